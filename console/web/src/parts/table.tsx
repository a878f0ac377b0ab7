// A table of things: sortable where its columns say so, its rows reachable by keyboard where they lead somewhere.

import type { ComponentChildren, JSX } from "preact";
import { useMemo, useState } from "preact/hooks";
import { t, type Text } from "../words";
import { Icon } from "./icon";

export interface Column<Row> {
  readonly key: string;
  readonly name: Text;
  readonly cell: (row: Row) => ComponentChildren;
  /** Figures stand at the right, under each other. */
  readonly isFigure?: boolean;
  /** What the column is sorted by; without it, it cannot be. */
  readonly order?: (row: Row) => string | number | null;
}

interface TableProps<Row> {
  caption: Text;
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  id: (row: Row) => string;
  /** What a click or Enter on a row does. */
  onOpen?: (row: Row) => void;
  isMarked?: (row: Row) => boolean;
  class?: string;
}

type Sorting = { readonly key: string; readonly descending: boolean } | null;

export function Table<Row>({ caption, columns, rows, id, onOpen, isMarked, class: extra = "" }: TableProps<Row>) {
  const [sorting, setSorting] = useState<Sorting>(null);
  const shown = useMemo(() => sorted(rows, columns, sorting), [rows, columns, sorting]);
  const turn = (key: string): void =>
    setSorting(sorting?.key !== key ? { key, descending: false } : sorting.descending ? null : { key, descending: true });
  return (
    <div class={`table-frame ${extra}`} tabIndex={0} role="region" aria-label={t(caption)}>
      <table>
        <caption class="unseen">{t(caption)}</caption>
        <thead>
          <tr>
            {columns.map((column) => (
              <Heading key={column.key} column={column} sorting={sorting} onTurn={() => turn(column.key)} />
            ))}
          </tr>
        </thead>
        <tbody>
          {shown.map((row) => (
            <tr key={id(row)} class={isMarked?.(row) ? "marked" : undefined} {...opening(row, onOpen)}>
              {columns.map((column) => (
                <td key={column.key} class={column.isFigure ? "figure" : undefined}>
                  {column.cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface HeadingProps<Row> {
  column: Column<Row>;
  sorting: Sorting;
  onTurn: () => void;
}

function Heading<Row>({ column, sorting, onTurn }: HeadingProps<Row>) {
  const mine = sorting?.key === column.key ? sorting : null;
  const order = mine ? (mine.descending ? "descending" : "ascending") : "none";
  return (
    <th scope="col" class={column.isFigure ? "figure" : undefined} {...(column.order ? { "aria-sort": order } : {})}>
      {column.order ? (
        <button type="button" class="sorter" onClick={onTurn}>
          {t(column.name)}
          {mine && <Icon name={mine.descending ? "down" : "up"} size={12} />}
        </button>
      ) : (
        t(column.name)
      )}
    </th>
  );
}

function opening<Row>(row: Row, onOpen: ((row: Row) => void) | undefined): JSX.HTMLAttributes<HTMLTableRowElement> {
  if (!onOpen) return {};
  return {
    tabIndex: 0,
    onClick: (event) => {
      if (!(event.target as HTMLElement).closest("button, a, input")) onOpen(row);
    },
    onKeyDown: (event) => {
      if (event.key === "Enter" && event.target === event.currentTarget) onOpen(row);
    },
  };
}

function sorted<Row>(rows: readonly Row[], columns: readonly Column<Row>[], sorting: Sorting): readonly Row[] {
  const order = columns.find((column) => column.key === sorting?.key)?.order;
  if (!order || !sorting) return rows;
  const sign = sorting.descending ? -1 : 1;
  return [...rows].sort((a, b) => sign * compare(order(a), order(b)));
}

/** What is not known stands last either way round. */
function compare(a: string | number | null, b: string | number | null): number {
  if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1;
  return typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b));
}
