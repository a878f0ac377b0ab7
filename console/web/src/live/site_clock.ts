// The site's own time: the controller's, which runs elsewhere and faster where the site is simulated. Told with
// everything that the stream sends, and goes on by itself in between.

import { signal } from "@preact/signals";
import { siteNowMs } from "../format";
import { on } from "./stream";

/** A site whose time was that of the wall, give or take, when it was told: the wall's own is smoother. */
const SAME_MS = 30_000;
const LONGEST_GUESS_MS = 60_000;
/** Between two tellings that are nearer than this the pace is not known well. */
const LEAST_APART_MS = 200;

interface Alive {
  readonly now: string;
  readonly at: string | null;
  readonly silent: boolean;
}

/** The controller answers, but no feeder has had a cycle lately. */
export const isControllerSilent = signal(false);

let told: { readonly siteMs: number; readonly heardAtMs: number; readonly isWall: boolean } | null = null;
let pace = 1;

/** It is so late at the site. */
function take({ now, silent }: Alive): void {
  const siteMs = Date.parse(now);
  const heardAtMs = performance.now();
  isControllerSilent.value = silent;
  if (told && heardAtMs - told.heardAtMs < LEAST_APART_MS) return;
  if (told && siteMs > told.siteMs) pace = (siteMs - told.siteMs) / (heardAtMs - told.heardAtMs);
  told = { siteMs, heardAtMs, isWall: Math.abs(Date.now() - siteMs) < SAME_MS };
  tick();
}

function tick(): void {
  if (!told || told.isWall) {
    siteNowMs.value = Date.now();
    return;
  }
  const since = Math.min(performance.now() - told.heardAtMs, LONGEST_GUESS_MS);
  siteNowMs.value = Math.round(told.siteMs + since * pace);
}

on<Alive>("alive", take);
setInterval(tick, 1_000);
