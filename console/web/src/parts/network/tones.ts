// What is normal and what is not: one small number for each element, compared with its limit in force.

import type { Figures, Layout } from "./layout";

export const UNKNOWN = 0;
export const NORMAL = 1;
export const HIGH = 2;
export const OVER = 3;
export type ToneNumber = 0 | 1 | 2 | 3;

/** From this share of its limit on a loading is worth a look. */
export const NEAR_LIMIT = 0.9;
/** The same for voltages: the share of the way from nominal to the limit. */
export const NEAR_BAND = 0.9;
const NOMINAL = 1;

export function loadingTone(percent: number | null | undefined, limit: number | null | undefined): ToneNumber {
  if (percent === null || percent === undefined || !limit) return UNKNOWN;
  if (percent > limit) return OVER;
  return percent >= NEAR_LIMIT * limit ? HIGH : NORMAL;
}

export function voltageTone(
  v: number | null | undefined,
  low: number | null | undefined,
  high: number | null | undefined,
): ToneNumber {
  if (v === null || v === undefined || !low || !high) return UNKNOWN;
  if (v < low || v > high) return OVER;
  const span = v < NOMINAL ? NOMINAL - low : high - NOMINAL;
  return Math.abs(v - NOMINAL) >= NEAR_BAND * span ? HIGH : NORMAL;
}

export interface Tones {
  readonly line: Uint8Array;
  readonly transformer: Uint8Array;
  readonly bus: Uint8Array;
}

export function tonesOf(layout: Layout, figures: Figures | null): Tones {
  const { lines, transformers, buses } = layout;
  return {
    line: Uint8Array.from(lines.id, (_, n) => loadingTone(figures?.line[n], lines.limit_percent[n])),
    transformer: Uint8Array.from(transformers.id, (_, n) =>
      loadingTone(figures?.transformer[n], transformers.limit_percent[n]),
    ),
    bus: Uint8Array.from(buses.id, (_, n) => voltageTone(figures?.v[n], buses.min_v_pu[n], buses.max_v_pu[n])),
  };
}

export function sameTones(a: Tones, b: Tones): boolean {
  return same(a.line, b.line) && same(a.transformer, b.transformer) && same(a.bus, b.bus);
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let n = 0; n < a.length; n += 1) if (a[n] !== b[n]) return false;
  return true;
}
