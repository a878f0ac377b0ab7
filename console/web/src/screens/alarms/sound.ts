// The sound of alarms, made by the browser itself: no file, and none before somebody has touched the page, which
// browsers ask for. A pattern for each priority; what is critical or high is repeated until it is acknowledged.

import { computed, effect, signal, untracked } from "@preact/signals";
import { keepWhenHidden } from "../../live/stream";
import { summary } from "./alarm_store";
import type { Priority } from "./kind_names";

const KEPT_AS = "gridward.sound";
const AGAIN_MS = 8_000;
/** The controller names no more than these. */
const MOST_WAITING = 200;
/** Hertz and seconds, one after the other (IEC 60601-1-8 has such bursts; these are ours). */
const PATTERNS: Readonly<Partial<Record<Priority, readonly (readonly [number, number])[]>>> = {
  critical: [[880, 0.15], [0, 0.07], [880, 0.15], [0, 0.07], [1175, 0.3]],
  high: [[740, 0.18], [0, 0.08], [740, 0.18]],
  medium: [[587, 0.2]],
};

export const soundWanted = signal(localStorage.getItem(KEPT_AS) === "on");
/** Nobody has touched the page yet, so it is silent. */
export const soundWaits = signal(false);
/** Silenced as long as they wait; what comes back (from the shelf, say) sounds again. */
const silenced = signal<ReadonlySet<string>>(new Set());

let context: AudioContext | null = null;

/** Called by a press of a button: that is what lets a browser sound. */
export function turnSound(isOn: boolean): void {
  soundWanted.value = isOn;
  localStorage.setItem(KEPT_AS, isOn ? "on" : "off");
  if (isOn) void wake().then(() => play("medium"));
}

async function wake(): Promise<void> {
  context ??= new AudioContext();
  if (context.state === "suspended") await context.resume().catch(() => undefined);
  soundWaits.value = context.state !== "running";
}

function play(priority: Priority): void {
  const pattern = PATTERNS[priority];
  if (!context || context.state !== "running" || !pattern) return;
  let at = context.currentTime + 0.02;
  for (const [hertz, seconds] of pattern) {
    if (hertz) beep(context, hertz, at, seconds);
    at += seconds;
  }
}

function beep(on: AudioContext, hertz: number, at: number, seconds: number): void {
  const tone = on.createOscillator();
  const volume = on.createGain();
  tone.frequency.value = hertz;
  volume.gain.setValueAtTime(0, at);
  volume.gain.linearRampToValueAtTime(0.25, at + 0.02);
  volume.gain.setValueAtTime(0.25, at + seconds - 0.03);
  volume.gain.linearRampToValueAtTime(0, at + seconds);
  tone.connect(volume).connect(on.destination);
  tone.start(at);
  tone.stop(at + seconds);
}

/** All that wait and sound, the most urgent first: a new key is something new. */
const waiting = computed<ReadonlyMap<string, Priority>>(
  () => new Map((summary.value?.waiting ?? []).map((one) => [`${one.alarm} ${one.occurrence}`, one.priority])),
);
/** The most urgent that nobody has silenced. */
const loudest = computed<Priority | null>(() => {
  for (const [key, priority] of waiting.value) if (!silenced.value.has(key)) return priority;
  return null;
});

export const isSounding = computed(() => soundWanted.value && loudest.value !== null);

export function silence(): void {
  silenced.value = new Set(waiting.value.keys());
}

let heard: ReadonlySet<string> = new Set();

/** Sound once for what is new, the most urgent of it; forget what does not wait any more. */
function hear(now: ReadonlyMap<string, Priority>): void {
  const fresh = [...now].find(([key]) => !heard.has(key));
  if (fresh && soundWanted.value) play(fresh[1]);
  const isWhole = now.size < MOST_WAITING; // of a list that is full, others come in from behind
  heard = new Set(isWhole ? now.keys() : [...heard, ...now.keys()]);
  if (isWhole) silenced.value = new Set([...silenced.value].filter((key) => now.has(key)));
}

let begun = false;

/** Once, when the console has come up. */
export function beginSound(): void {
  if (begun) return;
  begun = true;
  soundWaits.value = soundWanted.value;
  const touched = (): void => {
    if (soundWanted.value && context?.state !== "running") void wake();
  };
  addEventListener("pointerdown", touched, { passive: true });
  addEventListener("keydown", touched, { passive: true });
  effect(() => {
    keepWhenHidden.value = soundWanted.value;
  });
  effect(() => {
    const now = waiting.value;
    untracked(() => hear(now));
  });
  setInterval(() => {
    if (isSounding.value && (loudest.value === "critical" || loudest.value === "high")) play(loudest.value);
  }, AGAIN_MS);
}
