// What is done to alarms: as they were seen, so that what was raised again since stays unacknowledged.

import { body, client } from "../../api/client";
import { refresh, type Alarm } from "./alarm_store";

export interface Outcome {
  readonly done: number;
  /** Raised again since, or not for who is signed in. */
  readonly left: number;
}
export const MOST_AT_ONCE = 200;

export async function acknowledge(alarms: readonly Alarm[], why?: string): Promise<Outcome> {
  const seen = alarms.slice(0, MOST_AT_ONCE).map(({ alarm, occurrence }) => ({ alarm, occurrence }));
  const found = await body(client.POST("/api/v1/alarms/acknowledge", { body: { alarms: seen, why: why || null } }));
  refresh();
  const left = found.items.filter((one) => one.outcome === "moved" || one.outcome === "not_allowed").length;
  return { done: found.items.length - left, left };
}

export async function shelve(one: Alarm, untilMs: number, why: string): Promise<void> {
  await client.POST("/api/v1/alarms/{alarm}/shelve", {
    params: { path: { alarm: one.alarm } },
    body: { until: new Date(untilMs).toISOString(), why, occurrence: one.occurrence },
  });
  refresh();
}

export async function unshelve(one: Alarm): Promise<void> {
  await client.POST("/api/v1/alarms/{alarm}/unshelve", { params: { path: { alarm: one.alarm } }, body: {} });
  refresh();
}
