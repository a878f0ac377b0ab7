// Loadings and voltages, the worst first.

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { percent, perUnit } from "../../format";
import type { Figures, Layout } from "../../parts/network/layout";
import type { ToneNumber } from "../../parts/network/tones";
import { Panel } from "../../parts/page";
import { Status } from "../../parts/status";
import { Table, type Column } from "../../parts/table";
import { t, type Text } from "../../words";
import { BandBar, LimitBar } from "./bar";
import { TONES } from "./feeder_words";
import { worstLoaded, worstVoltages, type Loaded, type VoltageAt } from "./worst";

const words = {
  loadings: { en: "Loadings, worst first", zh: "负载率（从高到低）" },
  voltages: { en: "Voltages, worst first", zh: "电压（按偏差排序）" },
  element: { en: "Element", zh: "元件" },
  loading: { en: "Loading", zh: "负载率" },
  limit: { en: "Limit", zh: "限值" },
  bus: { en: "Bus", zh: "节点" },
  voltage: { en: "Voltage", zh: "电压" },
  band: { en: "Band", zh: "允许范围" },
  more: { en: "Show more", zh: "显示更多" },
};
const FIRST = 8;
const MORE = 40;

/** A figure with the sign of its tone; in words for who does not see it. */
function Toned({ tone, children }: { tone: ToneNumber; children: ComponentChildren }) {
  return (
    <Status tone={TONES[tone].tone}>
      {children} <span class="unseen">{t(TONES[tone].text)}</span>
    </Status>
  );
}

const LOADED: readonly Column<Loaded>[] = [
  { key: "name", name: words.element, cell: (row) => row.name },
  {
    key: "percent",
    name: words.loading,
    isFigure: true,
    cell: (row) => (
      <span class="bar-cell">
        <LimitBar share={row.percent / row.limit} tone={row.tone} /> <Toned tone={row.tone}>{percent(row.percent, row.limit)}</Toned>
      </span>
    ),
  },
  { key: "limit", name: words.limit, isFigure: true, cell: (row) => percent(row.limit) },
];

const VOLTAGES: readonly Column<VoltageAt>[] = [
  { key: "name", name: words.bus, cell: (row) => row.name },
  {
    key: "v",
    name: words.voltage,
    isFigure: true,
    cell: (row) => (
      <span class="bar-cell">
        <BandBar {...row} /> <Toned tone={row.tone}>{perUnit(row.v)}</Toned>
      </span>
    ),
  },
  { key: "band", name: words.band, isFigure: true, cell: (row) => `${row.low.toFixed(2)}–${perUnit(row.high)}` },
];

interface ListProps {
  layout: Layout;
  figures: Figures;
  selected: string | null;
  onSelect: (element: string) => void;
}

export function Loadings({ layout, figures, ...rest }: ListProps) {
  const worst = (most: number) => worstLoaded(layout, figures, most);
  return <Worst title={words.loadings} columns={LOADED} worst={worst} {...rest} />;
}

export function Voltages({ layout, figures, ...rest }: ListProps) {
  const worst = (most: number) => worstVoltages(layout, figures, most);
  return <Worst title={words.voltages} columns={VOLTAGES} worst={worst} {...rest} />;
}

interface WorstProps<Row> {
  title: Text;
  columns: readonly Column<Row>[];
  worst: (most: number) => readonly Row[];
  selected: string | null;
  onSelect: (element: string) => void;
}

/** The first few, and more where somebody asks. */
function Worst<Row extends { readonly id: string }>({ title, columns, worst, selected, onSelect }: WorstProps<Row>) {
  const [most, setMost] = useState(FIRST);
  const rows = worst(most);
  return (
    <Panel title={title}>
      <Table
        caption={title}
        columns={columns}
        rows={rows}
        id={(row) => row.id}
        onOpen={(row) => onSelect(row.id)}
        isMarked={(row) => row.id === selected}
      />
      {rows.length === most && <More onMore={() => setMost(most + MORE)} />}
    </Panel>
  );
}

function More({ onMore }: { onMore: () => void }) {
  return (
    <div class="row">
      <button type="button" onClick={onMore}>
        {t(words.more)}
      </button>
    </div>
  );
}
