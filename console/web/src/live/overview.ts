// The one copy of all feeders' rows on this page: whole once, then each event of the stream laid over it. A row
// that did not change stays the same object, so that what shows it is not drawn anew.

import { computed, signal } from "@preact/signals";
import { body, client } from "../api/client";
import { on } from "./stream";

export type FeederState = "overloaded" | "not_converged" | "no_data" | "warning" | "normal";
export type Warning = "near_limit" | "expected" | "data_alarm" | "event" | "automatic_out";
export interface Loaded {
  readonly element: string;
  readonly loading_percent: number;
  readonly limit_percent: number;
}
interface VoltageAt {
  readonly bus: string;
  readonly v_pu: number;
}
export interface Row {
  readonly id: string;
  readonly name: string;
  readonly state: FeederState;
  readonly warnings: readonly Warning[];
  readonly overloads: number;
  readonly voltage_violations: number;
  readonly highest: Loaded | null;
  readonly lowest_voltage: VoltageAt | null;
  readonly highest_voltage: VoltageAt | null;
  readonly p_kw: number | null;
  readonly free_kw: number | null;
  readonly event: {
    readonly event: string;
    readonly since: string;
    readonly element: string;
    readonly peak_percent: number;
    readonly requests: number;
    readonly curtailed_kw: number;
  } | null;
  readonly automatic: {
    readonly state: "on" | "off" | "released" | "suspended" | "stopped";
    readonly who: string | null;
    readonly why: string | null;
    readonly since: string | null;
  };
  readonly data: { readonly measured_percent: number | null; readonly alarm: string | null };
  readonly expected: {
    readonly element: string;
    readonly kind: string;
    readonly at: string;
    readonly value: number;
    readonly limit: number;
    readonly probability: number;
  } | null;
  readonly last_at: string | null;
}
export interface Totals {
  readonly feeders: number;
  readonly overloaded: number;
  readonly voltage_only: number;
  readonly not_converged: number;
  readonly no_data: number;
  readonly warning: number;
  readonly normal: number;
  readonly events: number;
  readonly automatic_out: number;
  readonly data_alarms: number;
  readonly expected: number;
  readonly curtailed_kw: number;
  readonly p_kw: number;
  readonly not_in_sum: number;
}
interface Told {
  readonly whole: boolean;
  readonly totals: Totals;
  readonly rows: readonly Row[];
}

export const rowsById = signal<ReadonlyMap<string, Row>>(new Map());
export const totals = signal<Totals | null>(null);
/** Why nothing is known yet, where that is so. */
export const overviewProblem = signal<unknown>(undefined);

const ORDER: readonly FeederState[] = ["overloaded", "not_converged", "no_data", "warning", "normal"];
const nearness = (row: Row): number =>
  row.highest ? row.highest.loading_percent / Math.max(row.highest.limit_percent, 1e-9) : 0;

/** The worst first: as the API has them. */
export function bySeverity(a: Row, b: Row): number {
  return (
    ORDER.indexOf(a.state) - ORDER.indexOf(b.state) ||
    Number(b.event !== null) - Number(a.event !== null) ||
    nearness(b) - nearness(a) ||
    a.id.localeCompare(b.id)
  );
}

export const rows = computed(() => [...rowsById.value.values()].sort(bySeverity));

let isWhole = false;

function take({ whole, totals: figures, rows: told }: Told): void {
  const known = new Map(whole ? [] : rowsById.value);
  for (const row of told) known.set(row.id, row);
  rowsById.value = known;
  totals.value = figures;
  overviewProblem.value = undefined;
  if (whole) isWhole = true;
}

on<Told>("overview", take);

/** For a screen that opens when the stream has told all of it already, to somebody who did not listen yet. */
export async function fetchOverview(): Promise<void> {
  if (isWhole) return;
  try {
    const found = await body(client.GET("/api/v1/overview"));
    if (isWhole) return;
    const newer = rowsById.value; // what the stream has told meanwhile
    take({ whole: true, totals: found.totals, rows: found.rows as readonly Row[] });
    if (newer.size) rowsById.value = new Map([...rowsById.value, ...newer]);
  } catch (error) {
    overviewProblem.value = error;
  }
}
