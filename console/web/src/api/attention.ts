// Whether somebody sits before the page: who walked away keeps no session alive by what the page asks by itself.

const ATTENDED_FOR_MS = 60_000;
let touchedAtMs = -Infinity;

const touched = (): void => {
  touchedAtMs = performance.now();
};
for (const event of ["keydown", "pointerdown", "pointermove", "wheel"]) {
  addEventListener(event, touched, { passive: true, capture: true });
}

/** Somebody has touched key or pointer in the last minute. */
export const isAttended = (): boolean => performance.now() - touchedAtMs < ATTENDED_FOR_MS;
