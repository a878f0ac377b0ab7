// The site's own time: the daemon's, which runs elsewhere and faster where the site is simulated. Told with each
// cycle, and goes on by itself in between.

import { siteNowMs } from "../format";

/** A site whose time is that of the wall, give or take: the wall's own is smoother. */
const SAME_MS = 90_000;
const LONGEST_GUESS_MS = 60_000;

let toldMs: number | null = null;
let heardAtMs = 0;
let pace = 1;

/** A cycle at this time has been heard of. */
export function tellSiteTime(at: string): void {
  const told = Date.parse(at);
  const now = performance.now();
  if (toldMs !== null && told > toldMs && now > heardAtMs) pace = (told - toldMs) / (now - heardAtMs);
  if (toldMs !== null && told <= toldMs) return;
  toldMs = told;
  heardAtMs = now;
  tick();
}

function tick(): void {
  if (toldMs === null || Math.abs(Date.now() - toldMs) < SAME_MS) {
    siteNowMs.value = Date.now();
    return;
  }
  const since = Math.min(performance.now() - heardAtMs, LONGEST_GUESS_MS);
  siteNowMs.value = Math.max(toldMs, Math.round(toldMs + since * pace));
}

setInterval(tick, 1_000);
