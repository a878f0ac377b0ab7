// What is done to alarms: as they were seen, so that what was raised again since stays unacknowledged.

import { body, client } from "../../api/client";
import type { KeyHeader } from "../../api/command_key";
import { may, who } from "../../session";
import { refresh, type Alarm } from "./alarm_store";

export interface Outcome {
  readonly done: number;
  /** Raised again since, or not for who is signed in. */
  readonly left: number;
}
export const MOST_AT_ONCE = 200;

export interface Seen {
  readonly alarm: string;
  readonly occurrence: number;
}

/** As many of them as go at once. */
export const seenOf = (alarms: readonly Alarm[]): readonly Seen[] =>
  alarms.slice(0, MOST_AT_ONCE).map(({ alarm, occurrence }) => ({ alarm, occurrence }));

/** An alarm of the whole site takes somebody for all feeders. */
export const mayHandle = (one: Pick<Alarm, "feeder">): boolean =>
  one.feeder === null ? may("operate") && who.value?.feeders === null : may("operate", one.feeder);

export async function acknowledge(seen: readonly Seen[], headers: KeyHeader): Promise<Outcome> {
  const found = await body(client.POST("/api/v1/alarms/acknowledge", { body: { alarms: [...seen], why: null }, headers }));
  refresh();
  const left = found.items.filter((one) => one.outcome === "moved" || one.outcome === "not_allowed").length;
  return { done: found.items.length - left, left };
}

export async function shelve(one: Alarm, untilMs: number, why: string, headers: KeyHeader): Promise<void> {
  await client.POST("/api/v1/alarms/{alarm}/shelve", {
    params: { path: { alarm: one.alarm } },
    body: { until: new Date(untilMs).toISOString(), why, occurrence: one.occurrence },
    headers,
  });
  refresh();
}

export async function unshelve(one: Alarm, headers: KeyHeader): Promise<void> {
  await client.POST("/api/v1/alarms/{alarm}/unshelve", { params: { path: { alarm: one.alarm } }, body: {}, headers });
  refresh();
}
