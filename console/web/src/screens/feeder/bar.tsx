// A figure against its limit as a bar: grey while it is within. The figure itself stands beside it in words.

import { HIGH, OVER, type ToneNumber } from "../../parts/network/tones";

const toneClass = (tone: ToneNumber): string => (tone === OVER ? "over" : tone === HIGH ? "high" : "");

/** `share`: 1 is the limit, whose mark stands at three quarters of the bar. */
export function LimitBar({ share, tone }: { share: number; tone: ToneNumber }) {
  return (
    <span class={`limit-bar ${toneClass(tone)}`} aria-hidden="true">
      <span class="fill" style={{ inlineSize: `${Math.max(0, Math.min(1, share * 0.75)) * 100}%` }} />
      <span class="limit" />
    </span>
  );
}

/** A part of a whole. */
export function ShareBar({ share }: { share: number }) {
  return (
    <span class="limit-bar" aria-hidden="true">
      <span class="fill" style={{ inlineSize: `${Math.max(0, Math.min(1, share)) * 100}%` }} />
    </span>
  );
}

/** Where a voltage stands in its band. */
export function BandBar({ v, low, high, tone }: { v: number; low: number; high: number; tone: ToneNumber }) {
  const air = (high - low) * 0.15;
  const at = (value: number): number => Math.max(0, Math.min(100, ((value - low + air) / (high - low + 2 * air)) * 100));
  return (
    <span class={`band-bar ${toneClass(tone)}`} aria-hidden="true">
      <span class="limit" style={{ insetInlineStart: `${at(low)}%` }} />
      <span class="limit" style={{ insetInlineStart: `${at(high)}%` }} />
      <span class="point" style={{ insetInlineStart: `${at(v)}%` }} />
    </span>
  );
}
