// The sound of alarms, made by the browser itself: no file, and none before somebody has touched the page, which
// browsers ask for. A pattern for each priority; what is critical or high is repeated until it is acknowledged.

import { computed, effect, signal } from "@preact/signals";
import { keepWhenHidden } from "../../live/stream";
import { summary } from "./alarm_store";
import type { Priority } from "./kind_names";

const KEPT_AS = "gridward.sound";
const AGAIN_MS = 8_000;
/** Hertz and seconds, one after the other (IEC 60601-1-8 has such bursts; these are ours). */
const PATTERNS: Readonly<Partial<Record<Priority, readonly (readonly [number, number])[]>>> = {
  critical: [[880, 0.15], [0, 0.07], [880, 0.15], [0, 0.07], [1175, 0.3]],
  high: [[740, 0.18], [0, 0.08], [740, 0.18]],
  medium: [[587, 0.2]],
};

export const soundWanted = signal(localStorage.getItem(KEPT_AS) === "on");
/** Nobody has touched the page yet, so it is silent. */
export const soundWaits = signal(false);
/** Silenced until something new comes. */
const silenced = signal<string | null>(null);

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

/** What waits most urgently: a new key is something new. */
const waiting = computed(() => {
  const newest = summary.value?.newest;
  return newest ? { priority: newest.priority, key: `${newest.alarm} ${newest.occurrence}` } : null;
});

export const isSounding = computed(() => soundWanted.value && waiting.value !== null && silenced.value !== waiting.value.key);

export function silence(): void {
  silenced.value = waiting.value?.key ?? null;
}

let known: string | null = null;
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
    if (now && now.key !== known && soundWanted.value) play(now.priority);
    known = now?.key ?? null;
  });
  setInterval(() => {
    const now = waiting.value;
    if (now && isSounding.value && (now.priority === "critical" || now.priority === "high")) play(now.priority);
  }, AGAIN_MS);
}
