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

/** The requests that limited somebody at a step. */
export function limitsInForce(states: Recorded, step: number): readonly Span[] {
  const at = Date.parse(states.times[step] ?? "");
  return states.requests.filter((one) => Date.parse(one.active_at) <= at && (one.until === null || Date.parse(one.until) > at));
}
