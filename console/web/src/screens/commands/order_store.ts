// The orders that wait and the latest ones, known once for the header and the screen: fetched anew when the
// journal tells of an order, and every so often.

import { computed, effect, signal } from "@preact/signals";
import { on } from "../../live/stream";
import { who } from "../../session";
import { fetchOrders, type Order, type OrderPage, type StoppedFeeder } from "./order_api";

const POLL_MS = 10_000;
const SOON_MS = 150;
const TELLING: ReadonlySet<string> = new Set([
  "order_drafted",
  "order_agreed",
  "order_closed",
  "operator_acted",
  "emergency_stopped",
]);
export const FEW = 50;
export const MANY = 200;

export const orders = signal<OrderPage | null>(null);
export const ordersProblem = signal<unknown>(undefined);
export const waiting = computed<readonly Order[]>(() => orders.value?.items.filter((one) => one.state === "open") ?? []);
export const stops = computed<readonly StoppedFeeder[]>(() => orders.value?.stopped ?? []);

let most = FEW;
let round = 0;
let soon: ReturnType<typeof setTimeout> | undefined;

export function refreshOrders(): void {
  const mine = (round += 1);
  fetchOrders(most).then(
    (page) => {
      if (mine !== round) return;
      orders.value = page;
      ordersProblem.value = undefined;
    },
    (error: unknown) => {
      if (mine === round) ordersProblem.value = error;
    },
  );
}

/** Have more of the latest orders. */
export function wantMore(): void {
  most = MANY;
  refreshOrders();
}

interface Told {
  readonly told: readonly { readonly entry: string }[];
}

let begun = false;

/** Begin to know them, once; whoever shows them asks for it. */
export function beginOrders(): void {
  if (begun) return;
  begun = true;
  on<Told>("told", ({ told }) => {
    if (!told.some(({ entry }) => TELLING.has(entry))) return;
    clearTimeout(soon);
    soon = setTimeout(refreshOrders, SOON_MS);
  });
  setInterval(() => document.hidden || refreshOrders(), POLL_MS);
  effect(() => {
    void who.value; // what one may confirm is another's matter for another person
    refreshOrders();
  });
}
