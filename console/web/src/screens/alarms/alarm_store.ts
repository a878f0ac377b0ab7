// The alarms' summary, the same on every screen: told by the stream, fetched anew when something has changed.

import { signal } from "@preact/signals";
import { body, client } from "../../api/client";
import { Problem } from "../../api/problem";
import type { paths } from "../../api/schema";
import { on } from "../../live/stream";

export type Summary = paths["/api/v1/alarms/summary"]["get"]["responses"][200]["content"]["application/json"];
export type Alarm = paths["/api/v1/alarms"]["get"]["responses"][200]["content"]["application/json"]["items"][number];

export const summary = signal<Summary | null>(null);
/** Goes up with each change: who shows a list of alarms fetches it anew. */
export const alarmsVersion = signal(0);

let asked = 0;

export function refresh(): void {
  const mine = (asked += 1);
  body(client.GET("/api/v1/alarms/summary")).then(
    (found) => {
      if (mine !== asked) return;
      summary.value = found;
      alarmsVersion.value += 1;
    },
    (error: unknown) => {
      // not for who looks, or no alarms here: nothing is shown rather than something old
      if (mine === asked && error instanceof Problem && !error.isUnreached) summary.value = null;
    },
  );
}

on("alarms", refresh);
