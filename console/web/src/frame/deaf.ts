// A page that should sound alarms and cannot hear of any: says so by a tone of its own, which falls, and in its
// title, so that it is noticed in another tab too.

import { computed, effect, signal } from "@preact/signals";
import { hasShown } from "../live/stream";
import { isUnknown } from "../screens/alarms/alarm_store";
import { soundWanted } from "../screens/alarms/sound";
import { mustSignIn } from "../session";
import { t } from "../words";

const words = { deaf: { en: "✖ No alarms heard", zh: "✖ 收不到告警" } };
/** A short gap while the line is changed is none. */
const AFTER_MS = 5_000;
const AGAIN_MS = 20_000;
/** Hertz, one after the other, of `NOTE_S` each: downwards, as no alarm goes. */
const FALLING = [660, 494, 370];
const NOTE_S = 0.35;

const cannotHear = computed(() => soundWanted.value && (isUnknown.value || (hasShown.value && mustSignIn.value)));
const isDeaf = signal(false);
let context: AudioContext | null = null;
let title: string | null = null;

async function sound(): Promise<void> {
  context ??= new AudioContext();
  if (context.state === "suspended") await context.resume().catch(() => undefined);
  if (context.state !== "running") return;
  const volume = context.createGain();
  volume.gain.value = 0.2;
  volume.connect(context.destination);
  FALLING.forEach((hertz, place) => {
    const tone = (context as AudioContext).createOscillator();
    const at = (context as AudioContext).currentTime + 0.02 + place * NOTE_S;
    tone.type = "triangle";
    tone.frequency.value = hertz;
    tone.connect(volume);
    tone.start(at);
    tone.stop(at + NOTE_S);
  });
}

function showTitle(): void {
  const said = t(words.deaf);
  if (isDeaf.value && !document.title.startsWith(said)) {
    title = document.title;
    document.title = `${said} · ${title}`;
  } else if (!isDeaf.value && title !== null) {
    if (document.title.endsWith(title)) document.title = title;
    title = null;
  }
}

effect(() => {
  if (!cannotHear.value) {
    isDeaf.value = false;
    return undefined;
  }
  const timer = setTimeout(() => {
    isDeaf.value = true;
  }, AFTER_MS);
  return () => clearTimeout(timer);
});
effect(() => {
  showTitle();
  if (!isDeaf.value) return undefined;
  void sound();
  const again = setInterval(() => void sound(), AGAIN_MS);
  const kept = setInterval(showTitle, 1_000); // a screen that opens has a title of its own
  return () => {
    clearInterval(again);
    clearInterval(kept);
  };
});
