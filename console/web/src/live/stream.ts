// The one line to the controller's stream of changes: opens it, notices when it is silent or lost, comes back by
// itself, and hands each event to whoever listens for its name. Knows nothing of what the events mean.

import { computed, signal } from "@preact/signals";

const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 15_000;
/** The controller says every 15 s that it is there. */
const SILENT_AFTER_MS = 40_000;
/** A page that nobody looks at gives its connection back: a browser has only six for all its pages. */
const HIDDEN_FOR_MS = 60_000;

export type LinkState = "connecting" | "live" | "silent" | "lost";
export const link = signal<LinkState>("connecting");
/** Only then is what is shown the present. */
export const isPresent = computed(() => link.value === "live");
/** Something was shown already, which is old whenever the line is not live. */
export const hasShown = signal(false);
/** Whether a hidden page keeps its line all the same, as one that sounds alarms must. */
export const keepWhenHidden = signal(false);

type Listener = (data: unknown) => void;
const listeners = new Map<string, Set<Listener>>();
const whenLost = new Set<() => void>();

let source: EventSource | null = null;
let waiting: ReturnType<typeof setTimeout> | undefined;
let hiding: ReturnType<typeof setTimeout> | undefined;
let failures = 0;
let heardAtMs = 0;
let lastId = "";
let feeder: string | null = null;
let wanted = false;
/** The page is hidden, and does not try to have a line until somebody looks again. */
let isGivenBack = false;

/** Call `listener` with the parsed data of each event of this name; the returned function ends it. */
export function on<T>(event: string, listener: (data: T) => void): () => void {
  let known = listeners.get(event);
  if (!known) {
    listeners.set(event, (known = new Set()));
    if (source) listenFor(source, event);
  }
  known.add(listener as Listener);
  return () => known.delete(listener as Listener);
}

/** Call `listener` each time that the line is lost or cannot be had. */
export function onLost(listener: () => void): void {
  whenLost.add(listener);
}

/** Have one feeder's detail in the stream, or none. */
export function watchFeeder(id: string | null): void {
  if (feeder === id) return;
  feeder = id;
  lastId = ""; // what is told of another feeder is told from its beginning
  connect();
}

/** Open the line and keep it open. */
export function openStream(): void {
  wanted = true;
  connect();
}

export function closeStream(): void {
  wanted = false;
  hangUp();
}

function hangUp(): void {
  clearTimeout(waiting);
  source?.close();
  source = null;
}

function connect(): void {
  if (!wanted || isGivenBack) return;
  hangUp();
  const asked = new URLSearchParams({ form: "columns" });
  if (feeder !== null) asked.set("feeder", feeder);
  if (lastId) asked.set("after", lastId); // a new EventSource sends no Last-Event-ID by itself
  const mine = (source = new EventSource(`/api/v1/stream?${asked.toString()}`));
  heardAtMs = performance.now(); // a line that hangs before it is open is silent as well
  for (const event of listeners.keys()) listenFor(mine, event);
  const heardOfIt = (): void => {
    if (mine === source) heard();
  };
  mine.addEventListener("open", heardOfIt);
  mine.addEventListener("alive", heardOfIt);
  mine.addEventListener("error", () => mine === source && lost("lost"));
}

function listenFor(mine: EventSource, event: string): void {
  mine.addEventListener(event, (message: MessageEvent<string>) => {
    if (mine !== source) return;
    heard();
    if (message.lastEventId) lastId = message.lastEventId;
    const data: unknown = JSON.parse(message.data);
    for (const listener of [...(listeners.get(event) ?? [])]) {
      try {
        listener(data);
      } catch (error) {
        reportError(error); // the others hear it all the same
      }
    }
  });
}

function heard(): void {
  failures = 0;
  heardAtMs = performance.now();
  hasShown.value = true;
  link.value = "live";
}

function lost(how: "lost" | "silent"): void {
  hangUp();
  link.value = how;
  const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** failures);
  failures += 1;
  waiting = setTimeout(connect, wait * (0.7 + 0.6 * Math.random())); // not all at one instant
  for (const listener of whenLost) listener();
}

setInterval(() => {
  if (source && performance.now() - heardAtMs > SILENT_AFTER_MS) lost("silent");
}, 1_000);

document.addEventListener("visibilitychange", () => {
  clearTimeout(hiding);
  if (document.hidden) {
    hiding = setTimeout(() => {
      if (keepWhenHidden.value || !wanted) return;
      isGivenBack = true;
      hangUp();
      link.value = "connecting";
    }, HIDDEN_FOR_MS);
    return;
  }
  isGivenBack = false;
  if (!source) connect();
});
addEventListener("online", connect);
