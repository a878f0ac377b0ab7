// All elements in words: what the drawing shows, for whoever does not see it, and for looking something up.

import { useMemo, useState } from "preact/hooks";
import { percent, perUnit, plain } from "../../format";
import { Field } from "../../parts/field";
import type { Figures, Layout } from "../../parts/network/layout";
import { loadingTone, voltageTone, type ToneNumber } from "../../parts/network/tones";
import { Panel } from "../../parts/page";
import { Empty } from "../../parts/states";
import { Status } from "../../parts/status";
import { Table, type Column } from "../../parts/table";
import { t, type Text } from "../../words";
import { TONES } from "./feeder_words";

const words = {
  title: { en: "All elements in words", zh: "全部元件（文字列表）" },
  filter: { en: "Part of a name", zh: "按名称筛选" },
  element: { en: "Element", zh: "元件" },
  from: { en: "Fed from", zh: "上级" },
  value: { en: "Value", zh: "数值" },
  limit: { en: "Limit", zh: "限值" },
  state: { en: "State", zh: "状态" },
  open: { en: "open or out of service", zh: "断开或停运" },
  none: { en: "Nothing of that name", zh: "没有匹配项" },
  more: (left: number): Text => ({ en: `Show more (${left} left)`, zh: `显示更多（剩余 ${left} 项）` }),
};
const PAGE = 50;

interface Row {
  readonly id: string;
  readonly name: string;
  readonly from: string;
  readonly isClosed: boolean;
  readonly tone: ToneNumber;
  readonly value: string;
  readonly limit: string;
}
type Maker = (figures: Figures | null) => Row;
interface Item {
  readonly text: string;
  readonly row: Maker;
}

function itemsOf(layout: Layout): readonly Item[] {
  const { buses, lines, transformers } = layout;
  const item = (id: string, name: string, row: (figures: Figures | null) => Omit<Row, "id" | "name">): Item => ({
    text: `${name} ${id}`.toLowerCase(),
    row: (figures) => ({ id, name, ...row(figures) }),
  });
  const branch = (table: Layout["lines"] | Layout["transformers"], near: readonly number[], of: "line" | "transformer"): Item[] =>
    table.id.map((id, n) =>
      item(id, table.name[n]!, (figures) => {
        const [value, limit] = [figures?.[of][n], table.limit_percent[n]];
        const tone = loadingTone(value, limit);
        return { from: buses.name[near[n]!]!, isClosed: table.closed[n]!, tone, value: percent(value, limit), limit: percent(limit) };
      }),
    );
  return [
    ...branch(transformers, transformers.hv_bus, "transformer"),
    ...branch(lines, lines.from_bus, "line"),
    ...buses.id.map((id, n) =>
      item(id, buses.name[n]!, (figures) => {
        const [v, low, high, parent] = [figures?.v[n], buses.min_v_pu[n], buses.max_v_pu[n], buses.parent[n]];
        const from = parent === null || parent === undefined ? "" : buses.name[parent]!;
        return { from, isClosed: true, tone: voltageTone(v, low, high), value: perUnit(v), limit: `${plain(low, 2)}–${perUnit(high)}` };
      }),
    ),
  ];
}

const COLUMNS: readonly Column<Row>[] = [
  {
    key: "name",
    name: words.element,
    cell: (row) => (
      <>
        {row.name} <span class="muted">{row.id}</span>
      </>
    ),
  },
  { key: "from", name: words.from, cell: (row) => row.from },
  { key: "value", name: words.value, isFigure: true, cell: (row) => row.value },
  { key: "limit", name: words.limit, isFigure: true, cell: (row) => row.limit },
  {
    key: "state",
    name: words.state,
    cell: (row) =>
      row.isClosed ? <Status tone={TONES[row.tone].tone}>{t(TONES[row.tone].text)}</Status> : <Status tone="off">{t(words.open)}</Status>,
  },
];

interface ElementsProps {
  layout: Layout;
  figures: Figures | null;
  selected: string | null;
  onSelect: (element: string) => void;
}

export function Elements({ layout, figures, selected, onSelect }: ElementsProps) {
  const [isOpen, setOpen] = useState(false);
  return (
    <Panel
      title={words.title}
      class="wide"
      tools={
        <button type="button" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
          {t(isOpen ? { en: "Hide", zh: "收起" } : { en: "Show", zh: "展开" })}
        </button>
      }
    >
      {isOpen && <Listed layout={layout} figures={figures} selected={selected} onSelect={onSelect} />}
    </Panel>
  );
}

function Listed({ layout, figures, selected, onSelect }: ElementsProps) {
  const [filter, setFilter] = useState("");
  const [most, setMost] = useState(PAGE);
  const items = useMemo(() => itemsOf(layout), [layout]);
  const wanted = filter.trim().toLowerCase();
  const found = useMemo(() => (wanted ? items.filter((one) => one.text.includes(wanted)) : items), [items, wanted]);
  const rows = found.slice(0, most).map((one) => one.row(figures));
  return (
    <>
      <Field label={words.filter}>
        {(tie) => <input {...tie} type="search" value={filter} onInput={(event) => setFilter(event.currentTarget.value)} />}
      </Field>
      {rows.length === 0 ? (
        <Empty>{t(words.none)}</Empty>
      ) : (
        <Table
          caption={words.title}
          columns={COLUMNS}
          rows={rows}
          id={(row) => row.id}
          onOpen={(row) => onSelect(row.id)}
          isMarked={(row) => row.id === selected}
        />
      )}
      {found.length > most && (
        <div class="row">
          <button type="button" onClick={() => setMost(most + PAGE)}>
            {t(words.more(found.length - most))}
          </button>
        </div>
      )}
    </>
  );
}
