// The event's course as a chart: the element that it was about, its limit, and when each phase began.

import { useMemo } from "preact/hooks";
import type { AlignedData } from "uplot";
import { Trend, type Line, type Moment } from "../../parts/trend";
import { t, type Text } from "../../words";
import type { EventBody, Recorded } from "./bodies";
import { elementText, figureText, isBus, PHASES } from "./event_words";
import { nearestStep, oldSteps } from "./recorded";

const words = {
  worst: { en: "Highest loading", zh: "最高负载率" },
  without: { en: "Without control", zh: "无控制时" },
  limit: { en: "Limit", zh: "限值" },
  shown: { en: "Shown", zh: "回放时刻" },
  closed: { en: "Closed", zh: "结束" },
  summary: (element: string, peak: string, limit: string): Text => ({
    en: `Course of the event: ${element}, at most ${peak}, limit ${limit}. The slider below moves through it.`,
    zh: `事件过程：${element}，最高 ${peak}，限值 ${limit}。可用下方滑块浏览。`,
  }),
};

interface CourseProps {
  event: EventBody;
  states: Recorded;
  step: number;
  onStep: (step: number) => void;
}

export function Course({ event, states, step, onStep }: CourseProps) {
  const { element, limit } = event.summary;
  const bus = isBus(element);
  const isOld = useMemo(() => oldSteps(states, event.summary), [states, event.summary]);
  const values = useMemo(() => broken(courseOf(states, element), isOld), [states, element, isOld]);
  const atS = useMemo(() => states.times.map((at) => Date.parse(at) / 1000), [states]);
  const data = useMemo((): AlignedData => {
    const shown = [atS, values];
    const others = [broken(states.worst_percent, isOld), broken(states.without_control_percent, isOld)];
    return (bus ? shown : [...shown, ...others]) as AlignedData;
  }, [atS, values, states, isOld]);
  const lines = useMemo(() => linesOf(element), [element]);
  const marks = useMemo(() => [{ name: words.limit, value: limit, colour: "--over" }], [limit]);
  const moments = useMemo(() => momentsOf(event, atS[step] ?? 0), [event, atS, step]);
  const known = values.filter((value): value is number => value !== null);
  const extreme = known.length === 0 ? null : event.summary.kind === "undervoltage" ? Math.min(...known) : Math.max(...known);
  return (
    <Trend
      summary={t(words.summary(elementText(element), figureText(element, extreme, limit), figureText(element, limit)))}
      unit={bus ? "pu" : "%"}
      digits={bus ? 3 : 1}
      lines={lines}
      data={data}
      marks={marks}
      moments={moments}
      height={240}
      onPick={(pickedS) => onStep(nearestStep(atS, pickedS))}
    />
  );
}

function linesOf(element: string): readonly Line[] {
  const own: Line = { name: { en: elementText(element), zh: elementText(element) }, colour: "--ink", width: 2 };
  if (isBus(element)) return [own];
  return [
    own,
    { name: words.worst, colour: "--muted", width: 1 },
    { name: words.without, colour: "--high", width: 1.5, dash: [3, 3] },
  ];
}

/** With a gap where a step shows what is older than it. */
const broken = (values: readonly (number | null)[], isOld: readonly boolean[]): (number | null)[] =>
  values.map((value, place) => (isOld[place] ? null : value));

/** What stood at the element over time. */
function courseOf(states: Recorded, element: string): (number | null)[] {
  const tables: readonly [readonly string[], readonly (readonly (number | null)[])[]][] = [
    [states.transformers, states.transformer_percent],
    [states.lines, states.line_percent],
    [states.buses, states.v_pu],
  ];
  for (const [ids, rows] of tables) {
    const place = ids.indexOf(element);
    if (place >= 0) return rows.map((row) => row[place] ?? null);
  }
  return states.times.map(() => null);
}

function momentsOf(event: EventBody, shownS: number): readonly Moment[] {
  const begins = event.phases.map((phase) => ({
    name: PHASES[phase.phase] ?? { en: phase.phase, zh: phase.phase },
    atS: Date.parse(phase.start) / 1000,
    colour: "--control",
  }));
  return [...begins, { name: words.shown, atS: shownS, colour: "--ink", isFirm: true }];
}
