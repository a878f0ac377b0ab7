// The alarms' summary, the same on every screen: told by the stream, fetched anew when something has changed. Where
// it cannot be learnt how they are, that is known as well: nobody may take silence for quiet.

import { computed, effect, signal, untracked } from "@preact/signals";
import { body, client } from "../../api/client";
import { Problem } from "../../api/problem";
import type { paths } from "../../api/schema";
import { siteNowMs } from "../../format";
import { hasShown, link, on } from "../../live/stream";

export type Summary = paths["/api/v1/alarms/summary"]["get"]["responses"][200]["content"]["application/json"];
export type List = paths["/api/v1/alarms"]["get"]["responses"][200]["content"]["application/json"];
export type Alarm = List["items"][number];
export type OutOfService = List["out_of_service"][number];

const AGAIN_MS = 5_000;
/** Not for who looks, or no alarms here: nothing is shown, and nothing is amiss. */
const NONE_HERE: readonly number[] = [401, 403, 404];

export const summary = signal<Summary | null>(null);
/** When that was learnt. */
export const learntAtMs = signal<number | null>(null);
/** Goes up with each change: who shows a list of alarms fetches it anew. */
export const alarmsVersion = signal(0);
const isUnanswered = signal(false);
/** Whatever is shown is old: the line is lost, or the latest question was not answered. */
export const isUnknown = computed(() => isUnanswered.value || (hasShown.value && link.value !== "live"));

let isOut = false;
let isStale = false;
let trying: ReturnType<typeof setTimeout> | undefined;

/** Ask now; while a question is out, once more when it is answered: changes that come fast overtake no answer. */
export function refresh(): void {
  if (isOut) {
    isStale = true;
    return;
  }
  isOut = true;
  void ask().finally(() => {
    isOut = false;
    if (!isStale) return;
    isStale = false;
    refresh();
  });
}

async function ask(): Promise<void> {
  clearTimeout(trying);
  try {
    summary.value = await body(client.GET("/api/v1/alarms/summary"));
    learntAtMs.value = siteNowMs.value;
    isUnanswered.value = false;
    alarmsVersion.value += 1;
  } catch (error) {
    const isNoneHere = error instanceof Problem && NONE_HERE.includes(error.status);
    isUnanswered.value = !isNoneHere;
    if (isNoneHere) summary.value = null;
    else trying = setTimeout(refresh, AGAIN_MS);
  }
}

on("alarms", refresh);
effect(() => {
  if (link.value === "live") untracked(refresh); // what was told while the line was lost was not heard
});
