// What waits and what stands: by priority, those unseen first; acknowledged by keyboard, one by one or those marked.

import { useEffect, useMemo, useState } from "preact/hooks";
import { body, client } from "../../api/client";
import { useCommandKey } from "../../api/command_key";
import { problemText } from "../../api/problem";
import { useResource } from "../../api/resource";
import { plain, when } from "../../format";
import { announce } from "../../parts/announce";
import { Choice } from "../../parts/field";
import { Icon } from "../../parts/icon";
import { Panel } from "../../parts/page";
import { Known } from "../../parts/states";
import { may } from "../../session";
import { t, type Text } from "../../words";
import { alarmsVersion, type Alarm } from "./alarm_store";
import { AlarmTable } from "./alarm_table";
import { arranged } from "./arranged";
import { waits, words } from "./alarm_words";
import { acknowledge, mayHandle, MOST_AT_ONCE, seenOf, type Outcome } from "./commands";
import { AlarmDetails } from "./details";
import { PRIORITIES, PRIORITY_SIGNS, type Priority } from "./kind_names";
import { ShelveDialog } from "./shelve_dialog";

const own = {
  none: { en: "Nothing needs you.", zh: "当前没有告警。" },
  noneOfThese: { en: "None of this priority.", zh: "无此优先级的告警。" },
  flood: (count: number, grouped: number): Text => ({
    en: `Alarm flood: ${count} in ten minutes. ${grouped} of low or medium priority are put under what explains them.`,
    zh: `告警泛滥：十分钟内 ${count} 条。其中 ${grouped} 条中、低优先级告警已归并到其起因之下。`,
  }),
  frozen: (at: string): Text => ({
    en: `The journal cannot be written. Alarms of low priority are as of ${at}; nothing can be acknowledged or shelved.`,
    zh: `日志无法写入。低优先级告警停留在 ${at} 的状态，期间无法确认或搁置。`,
  }),
  since: (at: string): Text => ({ en: `Since ${at}.`, zh: `始于 ${at}。` }),
  marked: (count: string): Text => ({ en: `Acknowledge the ${count} marked`, zh: `确认所选 ${count} 条` }),
  mark: { en: "Mark all that wait in this list", zh: "勾选列表中全部未确认告警" },
  unmark: { en: "Unmark", zh: "取消勾选" },
  done: (count: string): Text => ({ en: `${count} acknowledged.`, zh: `已确认 ${count} 条。` }),
  left: (count: string): Text => ({
    en: `${count} were not: raised again since, or not yours.`,
    zh: `${count} 条未确认：已再次触发，或不在您的权限内。`,
  }),
  keys: {
    en: "↑ ↓ go along the list, A acknowledges, S shelves, Space marks, Enter shows the details.",
    zh: "↑ ↓ 移动，A 确认，S 搁置，空格勾选，回车查看详情。",
  },
};
const COVERED = new Set(["shelved", "suppressed", "out_of_service"]);
const POLL_MS = 30_000;
/** Rows that are shown at first, and with each "more". */
const FIRST = 200;

interface ActiveProps {
  priority?: Priority | null;
  /** Whose details are open. */
  alarm?: string;
}

export function ActiveAlarms({ priority = null, alarm }: ActiveProps) {
  const list = useResource((signal) => body(client.GET("/api/v1/alarms", { signal })), [], POLL_MS);
  useEffect(list.reload, [alarmsVersion.value]);
  const [shownPriority, setPriority] = useState<Priority | "all">(priority ?? "all");
  const flood = list.data?.summary.flood;
  return (
    <Panel title={words.active} tools={<PriorityChoice value={shownPriority} onChange={setPriority} />}>
      {flood?.active && (
        <p class="note bad" role="status">
          <span aria-hidden="true">≋</span> {t(own.flood(flood.in_ten_minutes, flood.grouped))}
          {flood.since && ` ${t(own.since(when(flood.since)))}`}
        </p>
      )}
      {list.data?.summary.frozen_since && (
        <p class="note bad" role="status">
          <Icon name="warning" /> {t(own.frozen(when(list.data.summary.frozen_since, false)))}
        </p>
      )}
      <Known of={list} none={own.none} isEmpty={(found) => found.items.every((one) => COVERED.has(one.state))}>
        {(found) => (
          <Listed
            alarms={found.items.filter((one) => !COVERED.has(one.state))}
            longestShelfS={found.longest_shelf_s}
            priority={shownPriority}
            {...(alarm ? { opened: alarm } : {})}
          />
        )}
      </Known>
    </Panel>
  );
}

function PriorityChoice({ value, onChange }: { value: Priority | "all"; onChange: (value: Priority | "all") => void }) {
  const options = [
    { value: "all" as const, name: words.all },
    ...PRIORITIES.map((one) => ({ value: one, name: PRIORITY_SIGNS[one].name })),
  ];
  return <Choice label={words.priority} value={value} options={options} onChange={onChange} />;
}

interface ListedProps {
  alarms: readonly Alarm[];
  longestShelfS: number;
  priority: Priority | "all";
  opened?: string;
}

function Listed({ alarms, longestShelfS, priority, opened }: ListedProps) {
  const [marked, setMarked] = useState<ReadonlySet<string>>(new Set());
  const [detailsOf, setDetailsOf] = useState<string | null>(opened ?? null);
  const [shelving, setShelving] = useState<string | null>(null);
  const [told, setTold] = useState("");
  const { isBusy, send } = useCommandKey();
  const shown = useMemo(() => alarms.filter((one) => priority === "all" || one.priority === priority), [alarms, priority]);
  const byId = useMemo(() => new Map(alarms.map((one) => [one.alarm, one])), [alarms]);
  const [unfolded, setUnfolded] = useState<ReadonlySet<string>>(new Set());
  const { rows, under } = useMemo(() => arranged(shown, unfolded), [shown, unfolded]);
  const [most, setMost] = useState(FIRST);
  const seeable = useMemo(() => rows.slice(0, most), [rows, most]);
  const mine = seeable.filter((one) => waits(one) && mayHandle(one)); // nobody acknowledges what is not there to be seen
  const chosen = mine.filter((one) => marked.has(one.alarm));

  const seen = (some: readonly Alarm[]): void => {
    const waiting = some.filter((one) => waits(one) && mayHandle(one));
    if (!waiting.length) return;
    const those = seenOf(waiting);
    send(those, (headers) => acknowledge(those, headers), {
      done: (outcome) => {
        setTold(sayOutcome(outcome));
        setMarked(new Set());
      },
      failed: (error) => setTold(problemText(error)),
    });
  };
  useEffect(() => {
    if (told) announce(told);
  }, [told]);
  const details = detailsOf ? byId.get(detailsOf) : undefined;
  const toShelve = shelving ? byId.get(shelving) : undefined;
  return (
    <>
      {may("operate") && (
        <div class="row">
          <button type="button" class="primary" disabled={!chosen.length || isBusy} onClick={() => seen(chosen)}>
            {t(own.marked(plain(chosen.length)))}
          </button>
          <button type="button" onClick={() => setMarked(new Set(mine.slice(0, MOST_AT_ONCE).map((one) => one.alarm)))}>
            {t(own.mark)}
          </button>
          {marked.size > 0 && (
            <button type="button" class="quiet" onClick={() => setMarked(new Set())}>
              {t(own.unmark)}
            </button>
          )}
          <span class="muted small">{told}</span>
        </div>
      )}
      {shown.length === 0 ? (
        <p class="empty">{t(own.noneOfThese)}</p>
      ) : (
        <AlarmTable
          rows={seeable}
          onMore={rows.length > most ? () => setMost(most + FIRST) : undefined}
          under={under}
          unfolded={unfolded}
          onFold={(one) => setUnfolded(turned(unfolded, one.alarm))}
          marked={marked}
          onMark={(one) => setMarked(turned(marked, one.alarm))}
          isBusy={isBusy}
          onAcknowledge={(one) => seen([one])}
          onShelve={(one) => setShelving(one.alarm)}
          onOpen={(one) => setDetailsOf(one.alarm)}
        />
      )}
      {may("operate") && shown.length > 0 && <p class="muted small">{t(own.keys)}</p>}
      {details && (
        <AlarmDetails
          one={details}
          cause={details.cause ? byId.get(details.cause) : undefined}
          onClose={() => setDetailsOf(null)}
          isBusy={isBusy}
          onAcknowledge={() => seen([details])}
          onShelve={() => {
            setDetailsOf(null);
            setShelving(details.alarm);
          }}
        />
      )}
      {toShelve && <ShelveDialog one={toShelve} longestS={longestShelfS} onClose={() => setShelving(null)} />}
    </>
  );
}

function turned(marked: ReadonlySet<string>, alarm: string): ReadonlySet<string> {
  const next = new Set(marked);
  if (!next.delete(alarm)) next.add(alarm);
  return next;
}

function sayOutcome({ done, left }: Outcome): string {
  const said = [t(own.done(plain(done)))];
  if (left) said.push(t(own.left(plain(left))));
  return said.join(" ");
}
