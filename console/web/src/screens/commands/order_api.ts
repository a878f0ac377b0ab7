// Orders as the API has them, and what can be done with one.

import { body, client } from "../../api/client";
import type { KeyHeader } from "../../api/command_key";
import type { components, operations } from "../../api/schema";
import type { Direction } from "./direction";

export type WhatIf = components["schemas"]["WhatIf"];
export type Order =
  operations["draft_api_v1_feeders__feeder__orders_post"]["responses"][201]["content"]["application/json"];
export type OrderPage = operations["orders_api_v1_orders_get"]["responses"][200]["content"]["application/json"];
/** A feeder on which an emergency stop holds, however long ago it came. */
export type StoppedFeeder = NonNullable<OrderPage["stopped"]>[number];
export type Stop = operations["stop_api_v1_emergency_stop_post"]["responses"][200]["content"]["application/json"];

export const ACTIONS = [
  "limit",
  "release",
  "release_all",
  "exclude",
  "include",
  "automatic_off",
  "automatic_on",
] as const;
export type Action = (typeof ACTIONS)[number];
export type Manner = "staggered" | "at_once";

/** What frees people is done in one step where somebody wants that: it never waits. */
export const FREEING: ReadonlySet<Action> = new Set(["release", "release_all", "exclude", "automatic_off"]);
export const NEED_TARGET: ReadonlySet<Action> = new Set(["limit", "release", "exclude", "include"]);

export interface OrderToGive {
  readonly action: Action;
  readonly targets: readonly string[];
  readonly limit_kw: number | null;
  readonly direction: Direction;
  readonly until: string | null;
  readonly why: string;
}

const given = ({ action, targets, limit_kw, direction, until, why }: OrderToGive) =>
  action === "limit"
    ? { action, why, targets: [...targets], limit_kw, direction, until }
    : { action, why, target: targets[0] ?? null, targets: [] };

export const draftOrder = (feeder: string, order: OrderToGive, headers: KeyHeader): Promise<Order> =>
  body(client.POST("/api/v1/feeders/{feeder}/orders", { params: { path: { feeder } }, body: given(order), headers }));

export const giveAtOnce = (feeder: string, order: OrderToGive, headers: KeyHeader): Promise<unknown> =>
  body(client.POST("/api/v1/feeders/{feeder}/operate", { params: { path: { feeder } }, body: given(order), headers }));

export const confirmOrder = (order: string, seen: number, headers: KeyHeader): Promise<Order> =>
  body(client.POST("/api/v1/orders/{order}/confirm", { params: { path: { order } }, body: { seen }, headers }));

export const withdrawOrder = (order: string, why: string, headers: KeyHeader): Promise<Order> =>
  body(client.POST("/api/v1/orders/{order}/withdraw", { params: { path: { order } }, body: { why }, headers }));

export const fetchOrder = (order: string, signal: AbortSignal): Promise<Order> =>
  body(client.GET("/api/v1/orders/{order}", { params: { path: { order } }, signal }));

export const fetchOrders = (limit: number): Promise<OrderPage> =>
  body(client.GET("/api/v1/orders", { params: { query: { limit } } }));

export interface StopToGive {
  /** null: the whole site. */
  readonly feeders: readonly string[] | null;
  readonly manner: Manner;
  readonly why: string;
}

export function stopAll({ feeders, manner, why }: StopToGive, headers: KeyHeader): Promise<Stop> {
  const scope = feeders === null ? ("site" as const) : ("feeders" as const);
  return body(client.POST("/api/v1/emergency-stop", { body: { scope, manner, why, feeders: [...(feeders ?? [])] }, headers }));
}
