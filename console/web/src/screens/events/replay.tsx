// The event played again: the chart of its course, and at each step the network as it was shown then.

import { useEffect, useMemo, useState } from "preact/hooks";
import { useResource } from "../../api/resource";
import { kw, percent, plain, when } from "../../format";
import { Icon } from "../../parts/icon";
import { Network } from "../../parts/network/network";
import { placesOf, type Layout } from "../../parts/network/layout";
import { Panel } from "../../parts/page";
import { Known } from "../../parts/states";
import { Status } from "../../parts/status";
import { t, type Text } from "../../words";
import { fetchLayout, fetchRecorded, type EventBody, type Recorded } from "./bodies";
import { Course } from "./course";
import { figuresAt, limitsInForce, nearestStep, oldSteps, placedIn, withLimits } from "./recorded";

const words = {
  title: { en: "Replay", zh: "回放" },
  play: { en: "Play", zh: "播放" },
  pause: { en: "Pause", zh: "暂停" },
  back: { en: "One step back", zh: "后退一步" },
  on: { en: "One step on", zh: "前进一步" },
  step: { en: "Step", zh: "步" },
  worst: { en: "Highest loading", zh: "最高负载率" },
  without: { en: "Without control", zh: "无控制时" },
  substation: { en: "Substation", zh: "台区总功率" },
  computedSum: { en: "Substation (computed)", zh: "台区总功率（计算值）" },
  curtailed: { en: "Held back", zh: "已削减" },
  limited: { en: "Limited then", zh: "该时刻限功率" },
  data: { en: "Readings", zh: "量测" },
  quality: (measured: string, all: string): Text => ({ en: `${measured} of ${all} measured`, zh: `实测 ${measured} / ${all}` }),
  computed: {
    en: "Computed from the meters, because nothing was recorded then: an approximation.",
    zh: "当时无记录，由电表数据重新计算，仅为近似值。",
  },
  old: (at: string): Text => ({
    en: `Nothing was recorded for this moment: last recorded at ${at}.`,
    zh: `该时刻无记录，显示的是 ${at} 的最后记录。`,
  }),
  nothing: { en: "Nothing is known of this time.", zh: "该时段无数据。" },
  noSolution: { en: "The load flow had no solution then.", zh: "当时潮流不收敛。" },
  past: (at: string): Text => ({ en: `As it was at ${at}`, zh: `${at} 的状态` }),
};
const BESIDE_MS = 600_000;
/** The controller tells no more than has been. */
const LONGEST_MS = 2 * 86_400_000;
const EVERY_MS = 30_000;
const FRAME_MS = 250;

export function Replay({ event }: { event: EventBody }) {
  const { feeder, opened_at: opened, closed_at: closed } = event.summary;
  const from = new Date(Date.parse(opened) - BESIDE_MS).toISOString();
  const to = new Date(closed ? Date.parse(closed) + BESIDE_MS : Date.parse(opened) + LONGEST_MS).toISOString();
  const layout = useResource((signal) => fetchLayout(feeder, signal), [feeder]);
  const recorded = useResource((signal) => fetchRecorded(feeder, from, to, signal), [feeder, from, to], closed ? undefined : EVERY_MS);
  return (
    <Panel title={words.title} class="replay">
      <Known of={recorded}>
        {(states) => <Known of={layout}>{(known) => <Player event={event} states={states} layout={known} />}</Known>}
      </Known>
    </Panel>
  );
}

function Player({ event, states, layout }: { event: EventBody; states: Recorded; layout: Layout }) {
  const last = states.times.length - 1;
  const opening = states.times.findIndex((at) => Date.parse(at) >= Date.parse(event.summary.opened_at));
  const timesMs = useMemo(() => states.times.map((at) => Date.parse(at)), [states]);
  // the moment is held, not the number of its step: what comes anew may have other steps
  const [chosenMs, setChosen] = useState(timesMs[Math.max(0, opening)] ?? 0);
  const step = useMemo(() => nearestStep(timesMs, chosenMs), [timesMs, chosenMs]);
  const go = (to: number): void => setChosen(timesMs[Math.min(Math.max(to, 0), last)] ?? 0);
  const [isPlaying, setPlaying] = useState(false);
  const [selected, setSelected] = useState<string | null>(event.summary.element);
  useEffect(() => {
    if (!isPlaying) return undefined;
    const timer = setInterval(
      () => setChosen((now) => timesMs[Math.min(nearestStep(timesMs, now) + 1, last)] ?? now),
      FRAME_MS,
    );
    return () => clearInterval(timer);
  }, [isPlaying, timesMs, last]);
  useEffect(() => {
    if (step === last) setPlaying(false);
  }, [step, last]);
  const place = useMemo(() => placedIn(layout, states), [layout, states]);
  const figures = useMemo(() => figuresAt(states, place, step), [states, place, step]);
  const drawn = useMemo(() => withLimits(layout, states, place, step), [layout, states, place, limitsRow(states, step)]);
  const isOld = useMemo(() => oldSteps(states, event.summary), [states, event.summary])[step] ?? false;
  const held = useMemo(() => limitsInForce(states, step), [states, step]);
  const limited = useMemo(() => {
    const { pointByName } = placesOf(layout);
    return new Set(held.flatMap((one) => pointByName.get(one.service_point) ?? []));
  }, [layout, held]);
  return (
    <>
      <Course event={event} states={states} step={step} onStep={go} />
      <div class="row player">
        <button type="button" aria-label={t(words.back)} onClick={() => go(step - 1)}>
          <Icon name="previous" />
        </button>
        <button type="button" class="primary" onClick={() => (step === last ? (go(0), setPlaying(true)) : setPlaying(!isPlaying))}>
          <Icon name={isPlaying ? "pause" : "play"} />
          {t(isPlaying ? words.pause : words.play)}
        </button>
        <button type="button" aria-label={t(words.on)} onClick={() => go(step + 1)}>
          <Icon name="next" />
        </button>
        <input
          type="range"
          class="scrubber"
          min={0}
          max={last}
          value={step}
          aria-label={t(words.step)}
          aria-valuetext={when(states.times[step])}
          onInput={(change) => go(Number(change.currentTarget.value))}
        />
        <output class="replay-time">{when(states.times[step])}</output>
      </div>
      <Moment states={states} step={step} held={held.length} isOld={isOld} />
      <Network
        layout={drawn}
        figures={figures}
        marks={{ selected, limited }}
        onSelect={setSelected}
        note={
          <div class="note">
            <Status tone="info">{t(words.past(when(isOld ? states.shown_at[step] : states.times[step])))}</Status>
          </div>
        }
      />
    </>
  );
}

/** Which of the limits that were told hold at this step. */
const limitsRow = (states: Recorded, step: number): number => states.limits.filter((row) => row.step <= step).length;

function Moment({ states, step, held, isOld }: { states: Recorded; step: number; held: number; isOld: boolean }) {
  const [measured, stale, estimated] = [states.measured[step], states.stale[step], states.estimated[step]];
  const source = states.source[step];
  const isSummed = states.substation_p_kw[step] === null && states.model_p_kw[step] !== null;
  const all = measured === null || measured === undefined ? null : measured + (stale ?? 0) + (estimated ?? 0);
  return (
    <>
      {source === null && <p class="note warn">{t(words.nothing)}</p>}
      {isOld && <p class="note warn">{t(words.old(when(states.shown_at[step])))}</p>}
      {source === "computed" && <p class="note">{t(words.computed)}</p>}
      {states.converged[step] === false && <p class="note warn">{t(words.noSolution)}</p>}
      <dl class="moment">
        <Figure name={words.worst}>{percent(states.worst_percent[step])}</Figure>
        <Figure name={words.without}>{percent(states.without_control_percent[step])}</Figure>
        <Figure name={words.curtailed}>{kw(states.curtailed_kw[step])}</Figure>
        <Figure name={isSummed ? words.computedSum : words.substation}>{kw(states.substation_p_kw[step] ?? states.model_p_kw[step])}</Figure>
        <Figure name={words.limited}>{plain(held)}</Figure>
        <Figure name={words.data}>{all === null ? "–" : t(words.quality(plain(measured), plain(all)))}</Figure>
      </dl>
    </>
  );
}

function Figure({ name, children }: { name: Text; children: string }) {
  return (
    <div>
      <dt>{t(name)}</dt>
      <dd>{children}</dd>
    </div>
  );
}
