// Recorded states as the network's drawing takes them: by the ids of the elements, whatever their order.

import type { Figures, Layout } from "../../parts/network/layout";
import type { Recorded } from "./bodies";

type Span = Recorded["requests"][number];
/** Where each element of the layout stands among the recorded ones; -1: it is not there. */
export interface Places {
  readonly line: readonly number[];
  readonly transformer: readonly number[];
  readonly bus: readonly number[];
}

export function placedIn(layout: Layout, states: Recorded): Places {
  return {
    line: placed(layout.lines.id, states.lines),
    transformer: placed(layout.transformers.id, states.transformers),
    bus: placed(layout.buses.id, states.buses),
  };
}

function placed(wanted: readonly string[], known: readonly string[]): readonly number[] {
  const places = new Map(known.map((id, place) => [id, place]));
  return wanted.map((id) => places.get(id) ?? -1);
}

export function figuresAt(states: Recorded, places: Places, step: number): Figures {
  return {
    line: taken(states.line_percent[step], places.line),
    transformer: taken(states.transformer_percent[step], places.transformer),
    v: taken(states.v_pu[step], places.bus),
  };
}

const taken = (row: readonly (number | null)[] | undefined, places: readonly number[]): (number | null)[] =>
  places.map((place) => row?.[place] ?? null);

/** The layout with the limits that were in force at a step; the same one where they are those of now. */
export function withLimits(layout: Layout, states: Recorded, places: Places, step: number): Layout {
  const row = states.limits.filter((one) => one.step <= step).at(-1) ?? states.limits[0];
  if (!row) return layout;
  const line = taken(row.line_percent, places.line);
  const transformer = taken(row.transformer_percent, places.transformer);
  const [low, high] = [taken(row.min_v_pu, places.bus), taken(row.max_v_pu, places.bus)];
  const { lines, transformers, buses } = layout;
  const isSame =
    same(line, lines.limit_percent) && same(transformer, transformers.limit_percent) && same(low, buses.min_v_pu) && same(high, buses.max_v_pu);
  if (isSame) return layout;
  return {
    ...layout,
    lines: { ...lines, limit_percent: then(line, lines.limit_percent) },
    transformers: { ...transformers, limit_percent: then(transformer, transformers.limit_percent) },
    buses: { ...buses, min_v_pu: then(low, buses.min_v_pu), max_v_pu: then(high, buses.max_v_pu) },
  } as Layout;
}

const NEAR = 1e-6;
/** What is not known of then does not make a difference. */
const same = (one: readonly (number | null)[], other: readonly (number | null)[]): boolean =>
  one.every((value, place) => value === null || Math.abs(value - (other[place] ?? 0)) < NEAR);
const then = (one: readonly (number | null)[], now: readonly (number | null)[]): (number | null)[] =>
  one.map((value, place) => value ?? now[place] ?? null);

const IN_EVENT_MS = 30_000;
const IN_QUIET_MS = 75_000;
/**
 * Whether each step shows a state that is older than it should be: while the event ran every cycle was kept, at
 * other times one a minute. A step may lie some cycles behind the state of it, whatever a cycle is here.
 */
export function oldSteps(states: Recorded, event: { readonly opened_at: string; readonly closed_at: string | null }): boolean[] {
  const shown = states.shown_at.map((at) => (at === null ? null : Date.parse(at)));
  const known = [...new Set(shown.filter((at): at is number => at !== null))];
  const gaps = known.slice(1).map((at, place) => at - (known[place] ?? at));
  const cyclesMs = 3 * gaps.reduce((least, gap) => Math.min(least, gap), Infinity);
  const allowedMs = Number.isFinite(cyclesMs) && cyclesMs < IN_QUIET_MS * 3 ? cyclesMs : 0;
  const [opened, closed] = [Date.parse(event.opened_at), event.closed_at === null ? Infinity : Date.parse(event.closed_at)];
  return states.times.map((time, place) => {
    const at = Date.parse(time);
    const from = shown[place];
    const leastMs = at > opened && at <= closed ? IN_EVENT_MS : IN_QUIET_MS;
    return from !== null && from !== undefined && at - from > Math.max(leastMs, allowedMs);
  });
}

/** The step whose time is nearest to a moment. */
export function nearestStep(timesMs: readonly number[], wantedMs: number): number {
  let best = 0;
  timesMs.forEach((at, place) => {
    if (Math.abs(at - wantedMs) < Math.abs((timesMs[best] ?? Infinity) - wantedMs)) best = place;
  });
  return best;
}

/** The requests that limited somebody at a step. */
export function limitsInForce(states: Recorded, step: number): readonly Span[] {
  const at = Date.parse(states.times[step] ?? "");
  return states.requests.filter((one) => Date.parse(one.active_at) <= at && (one.until === null || Date.parse(one.until) > at));
}
