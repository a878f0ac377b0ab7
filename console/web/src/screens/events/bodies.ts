// What the API tells of events, by short names.

import { body, client } from "../../api/client";
import type { paths } from "../../api/schema";
import type { Layout } from "../../parts/network/layout";

type Json<Path extends keyof paths> = paths[Path] extends { get: { responses: { 200: { content: { "application/json": infer Body } } } } }
  ? Body
  : never;

export type EventBody = Json<"/api/v1/events/{event_id}">;
export type EventRow = EventBody["summary"];
export type Step = EventBody["steps"][number];
export type Round = EventBody["rounds"][number];
export type Phase = EventBody["phases"][number];
export type Recorded = Json<"/api/v1/feeders/{feeder}/recorded">;

/** (state, when it came into it) and (from, kW): pairs, which the client's own types make into something else. */
export interface RequestRow extends Omit<EventBody["requests"][number], "states" | "limits"> {
  readonly states: readonly (readonly [string, string])[];
  readonly limits: readonly (readonly [string, number])[];
}
export const requestsOf = (body: EventBody): readonly RequestRow[] => body.requests as unknown as readonly RequestRow[];

// The client's own types of these answers make pairs into something else: they are named here.

type Asked = Promise<{ data?: unknown }>;

export async function fetchEvent(id: string, signal: AbortSignal): Promise<EventBody> {
  const asked: Asked = client.GET("/api/v1/events/{event_id}", { params: { path: { event_id: id } }, signal });
  return (await body(asked)) as EventBody;
}

export async function fetchRecorded(feeder: string, from: string, to: string, signal: AbortSignal): Promise<Recorded> {
  const params = { path: { feeder }, query: { from, to } };
  const asked: Asked = client.GET("/api/v1/feeders/{feeder}/recorded", { params, signal });
  return (await body(asked)) as Recorded;
}

export async function fetchLayout(feeder: string, signal: AbortSignal): Promise<Layout> {
  const asked: Asked = client.GET("/api/v1/feeders/{feeder}/layout", { params: { path: { feeder } }, signal });
  return (await body(asked)) as Layout;
}
