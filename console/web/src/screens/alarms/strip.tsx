// In the header of every screen: how many alarms wait by priority, the newest of the most urgent, and the sound.

import { useEffect } from "preact/hooks";
import { useLocation } from "wouter-preact";
import { ago, plain, when } from "../../format";
import { Icon } from "../../parts/icon";
import { t, type Text } from "../../words";
import { isUnknown, learntAtMs, refresh, summary } from "./alarm_store";
import { kindName, PRIORITIES, PRIORITY_SIGNS, type Priority } from "./kind_names";
import { beginSound, isSounding, silence, soundWaits, soundWanted, turnSound } from "./sound";
import "./strip.css";

const words = {
  strip: { en: "Alarms", zh: "告警" },
  none: { en: "No alarm waits", zh: "无未确认告警" },
  count: (priority: Priority, unseen: number, seen: number): Text => ({
    en: `${PRIORITY_SIGNS[priority].name.en}: ${unseen} unacknowledged, ${seen} acknowledged`,
    zh: `${PRIORITY_SIGNS[priority].name.zh}：${unseen} 条未确认，${seen} 条已确认`,
  }),
  unknown: { en: "Alarms unknown", zh: "告警状态未知" },
  lastKnown: (at: string, said: string): Text => ({ en: `as of ${at}: ${said}`, zh: `截至 ${at}：${said}` }),
  unseen: (said: string): Text => ({ en: `unacknowledged: ${said}`, zh: `未确认：${said}` }),
  flood: { en: "Alarm flood", zh: "告警泛滥" },
  soundOn: { en: "Sound on", zh: "声音：开" },
  soundOff: { en: "Sound off", zh: "声音：关" },
  soundWaits: { en: "Sound waits for a click", zh: "点击页面后启用声音" },
  silence: { en: "Silence", zh: "消音" },
};
const POLL_MS = 30_000;

export function AlarmStrip() {
  useEffect(() => {
    beginSound();
    refresh();
    const timer = setInterval(() => document.hidden || refresh(), POLL_MS);
    return () => clearInterval(timer);
  }, []);
  const known = summary.value;
  if (isUnknown.value) return <Unknown />;
  if (!known) return null;
  return (
    <section class="alarm-strip" aria-label={t(words.strip)}>
      <Counts />
      <Newest />
      {known.flood.active && (
        <a class="alarm-flood" href="#/alarms">
          <span aria-hidden="true">≋</span> {t(words.flood)}
        </a>
      )}
      <Silence />
      <Sound />
    </section>
  );
}

/** What was known last is told in words: it is not the present, and must not look like it. */
function Unknown() {
  const waiting = (summary.value?.counts ?? []).filter((one) => one.unacknowledged > 0);
  const named = waiting.map((one) => `${t(PRIORITY_SIGNS[one.priority].name)} ${plain(one.unacknowledged)}`).join(" · ");
  const said = named ? t(words.unseen(named)) : t(words.none);
  return (
    <section class="alarm-strip" aria-label={t(words.strip)}>
      <span class="alarm-unknown" role="status">
        <Icon name="warning" /> {t(words.unknown)}
      </span>
      {summary.value && learntAtMs.value !== null && (
        <span class="muted small">{t(words.lastKnown(when(learntAtMs.value, false), said))}</span>
      )}
      <Silence />
      <Sound />
    </section>
  );
}

function Silence() {
  if (!isSounding.value) return null;
  return (
    <button type="button" onClick={silence}>
      <Icon name="mute" /> {t(words.silence)}
    </button>
  );
}

function Counts() {
  const counts = new Map(summary.value?.counts.map((one) => [one.priority, one]));
  return (
    <ul class="alarm-counts">
      {PRIORITIES.map((priority) => {
        const unseen = counts.get(priority)?.unacknowledged ?? 0;
        const seen = counts.get(priority)?.acknowledged ?? 0;
        return (
          <li key={priority}>
            <a
              class={`alarm-count ${unseen ? `${priority} unseen-alarm` : seen ? priority : ""}`}
              href={`#/alarms/priority/${priority}`}
              aria-label={t(words.count(priority, unseen, seen))}
              title={t(words.count(priority, unseen, seen))}
            >
              <span aria-hidden="true">{PRIORITY_SIGNS[priority].sign}</span>
              <span aria-hidden="true">
                {plain(unseen)}
                {seen > 0 && <small>+{plain(seen)}</small>}
              </span>
            </a>
          </li>
        );
      })}
    </ul>
  );
}

function Newest() {
  const newest = summary.value?.newest;
  const [, go] = useLocation();
  if (!newest) return <span class="muted small">{t(words.none)}</span>;
  const where = [newest.feeder, newest.subject].filter(Boolean).join(" · ");
  return (
    <button type="button" class={`quiet alarm-newest ${newest.priority}`} onClick={() => go(`/alarms/one/${newest.alarm}`)}>
      <span aria-hidden="true">{PRIORITY_SIGNS[newest.priority].sign}</span>
      <span class="alarm-newest-text">
        {t(kindName(newest.kind))} {where} <small>{ago(newest.raised_at)}</small>
      </span>
    </button>
  );
}

function Sound() {
  const isOn = soundWanted.value;
  const name = isOn ? (soundWaits.value ? words.soundWaits : words.soundOn) : words.soundOff;
  return (
    <button type="button" class="quiet" aria-pressed={isOn} aria-label={t(name)} title={t(name)} onClick={() => turnSound(!isOn)}>
      <Icon name={isOn ? "sound" : "mute"} />
      {isOn && soundWaits.value && <small>{t(name)}</small>}
    </button>
  );
}
