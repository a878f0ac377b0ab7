// The worst few of many, without sorting all of them.

import type { Figures, Layout } from "../../parts/network/layout";
import { loadingTone, voltageTone, type ToneNumber } from "../../parts/network/tones";

export interface Loaded {
  readonly id: string;
  readonly name: string;
  readonly percent: number;
  readonly limit: number;
  readonly tone: ToneNumber;
}

export interface VoltageAt {
  readonly id: string;
  readonly name: string;
  readonly v: number;
  readonly low: number;
  readonly high: number;
  readonly tone: ToneNumber;
}

/** Lines and transformers, the nearest to their limit (or farthest beyond) first. */
export function worstLoaded(layout: Layout, figures: Figures, most: number): readonly Loaded[] {
  const top = new Top<Loaded>(most);
  for (const [table, values] of [
    [layout.transformers, figures.transformer],
    [layout.lines, figures.line],
  ] as const) {
    for (let n = 0; n < values.length; n += 1) {
      const percent = values[n];
      const limit = table.limit_percent[n];
      if (percent === null || percent === undefined || !limit) continue;
      const place = n;
      top.offer(percent / limit, () => ({
        id: table.id[place]!,
        name: table.name[place]!,
        percent,
        limit,
        tone: loadingTone(percent, limit),
      }));
    }
  }
  return top.all();
}

/** Buses by how much of their band is used up, most first. */
export function worstVoltages(layout: Layout, figures: Figures, most: number): readonly VoltageAt[] {
  const top = new Top<VoltageAt>(most);
  const { buses } = layout;
  for (let n = 0; n < figures.v.length; n += 1) {
    const v = figures.v[n];
    const [low, high] = [buses.min_v_pu[n], buses.max_v_pu[n]];
    if (v === null || v === undefined || !low || !high) continue;
    const used = v < 1 ? (1 - v) / Math.max(1 - low, 1e-3) : (v - 1) / Math.max(high - 1, 1e-3);
    const place = n;
    top.offer(used, () => ({
      id: buses.id[place]!,
      name: buses.name[place]!,
      v,
      low,
      high,
      tone: voltageTone(v, low, high),
    }));
  }
  return top.all();
}

class Top<T> {
  private readonly kept: { rank: number; item: T }[] = [];

  constructor(private readonly most: number) {}

  offer(rank: number, make: () => T): void {
    const { kept, most } = this;
    if (kept.length === most && rank <= kept[most - 1]!.rank) return;
    let at = kept.length;
    while (at > 0 && kept[at - 1]!.rank < rank) at -= 1;
    kept.splice(at, 0, { rank, item: make() });
    if (kept.length > most) kept.pop();
  }

  all(): readonly T[] {
    return this.kept.map((one) => one.item);
  }
}
