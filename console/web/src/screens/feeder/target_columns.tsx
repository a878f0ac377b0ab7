// Of which device or person something was asked, and whose it is: the first columns of tables of requests.

import type { Column } from "../../parts/table";
import { deviceText } from "./feeder_words";

const words = {
  target: { en: "Device or person", zh: "设备或用户" },
  customer: { en: "Customer", zh: "用户" },
};

interface OfTarget {
  readonly request: string;
  /** null for who may not see customers, as whose it is. */
  readonly target: string | null;
  readonly kind: string;
  readonly customer: string | null;
}

/** By which requests are told apart, here and in what is told of their event: the last part of their id. */
const numberOf = (row: OfTarget): string => row.request.split("-").at(-1) ?? row.request;

/** `nameText`: names as they are shown, where the controller gives some others in place of them. */
export const targetColumns = <Row extends OfTarget>(
  nameText: (name: string) => string = (name) => name,
): readonly Column<Row>[] => [
  {
    key: "target",
    name: words.target,
    cell: (row) => (
      <>
        {row.target === null ? numberOf(row) : nameText(row.target)} <span class="muted">{deviceText(row.kind)}</span>
      </>
    ),
    order: (row) => row.target ?? numberOf(row),
  },
  { key: "customer", name: words.customer, cell: (row) => row.customer !== null && nameText(row.customer), order: (row) => row.customer },
];
