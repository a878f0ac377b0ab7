// What one painting is made of: where things are, how they are, and what somebody marked.

import { colour } from "../../theme";
import type { Figures, Layout } from "./layout";
import type { Places } from "./places";
import type { Tones } from "./tones";

export interface Marks {
  /** Element that somebody looks at. */
  readonly selected: string | null;
  /** Places of service points whose devices hold a limit. */
  readonly limited: ReadonlySet<number>;
  /** Places of service points that somebody is about to limit. */
  readonly chosen: ReadonlySet<number>;
  /** One digit for each service point: 0 measured, 1 stale, 2 estimated. */
  readonly quality: string;
}

const COLOURS = ["--wire", "--ink", "--muted", "--high", "--over", "--panel", "--control"] as const;
export type Ink = Record<(typeof COLOURS)[number], string>;
export const inkNow = (): Ink => Object.fromEntries(COLOURS.map((name) => [name, colour(name)])) as Ink;

/** Pixels between neighbours from which single buses are worth their dots, signs, names. */
export const DOTS_FROM = 3;
export const SIGNS_FROM = 9;

export interface Painting {
  readonly ctx: CanvasRenderingContext2D;
  readonly layout: Layout;
  readonly places: Places;
  readonly ink: Ink;
  readonly tones: Tones;
  readonly figures: Figures | null;
  readonly marks: Marks;
}
