// Requests as they stand: what was asked, what was acknowledged, what is measured, side by side.

import { useState } from "preact/hooks";
import { boundKw, when } from "../../format";
import { placesOf, type Layout } from "../../parts/network/layout";
import { Choice } from "../../parts/field";
import { Panel } from "../../parts/page";
import { Empty } from "../../parts/states";
import { Status } from "../../parts/status";
import { Table, type Column } from "../../parts/table";
import { t, type Text } from "../../words";
import type { Request } from "./feeder_event";
import { REQUEST_STATES } from "./feeder_words";
import { targetColumns } from "./target_columns";

const words = {
  title: { en: "Requests and devices", zh: "请求与设备" },
  open: { en: "Open", zh: "进行中" },
  all: { en: "All", zh: "全部" },
  show: { en: "Which requests", zh: "显示范围" },
  none: { en: "Nobody is limited.", zh: "当前无限功率请求。" },
  before: { en: "Before", zh: "原功率" },
  asked: { en: "Asked", zh: "要求" },
  acknowledged: { en: "Acknowledged", zh: "设备确认" },
  measured: { en: "Measured", zh: "实测" },
  state: { en: "State", zh: "状态" },
  until: { en: "Until", zh: "截止" },
  notObeyed: { en: "takes more than asked", zh: "超过要求值" },
  reduced: (kwh: string, points: number): Text => ({ en: `${kwh} kWh saved, ${points} points`, zh: `节省 ${kwh} kWh，${points} 积分` }),
};
const OPEN = new Set(["planned", "sent", "accepted", "active"]);
/** A device's meter and its limit never agree to the last watt. */
const OBEYED_WITHIN_KW = 0.3;

type Which = "open" | "all";
const WHICH = [
  { value: "open", name: words.open },
  { value: "all", name: words.all },
] as const;

interface RequestsProps {
  layout: Layout;
  requests: readonly Request[];
  onSelect: (element: string) => void;
}

export function Requests({ layout, requests, onSelect }: RequestsProps) {
  const [which, setWhich] = useState<Which>("open");
  const rows = which === "all" ? requests : requests.filter((request) => OPEN.has(request.state));
  const isNamed = rows.some((row) => row.customer !== null); // else nobody is told whose they are, nor where
  const open = (request: Request): void => {
    const point = placesOf(layout).pointByName.get(request.service_point ?? "");
    const bus = point === undefined ? undefined : layout.buses.id[layout.service_points.bus[point] ?? -1];
    if (bus) onSelect(bus);
  };
  return (
    <Panel title={words.title} tools={<Choice label={words.show} value={which} options={WHICH} onChange={setWhich} />}>
      {rows.length ? (
        <Table
          caption={words.title}
          columns={isNamed ? COLUMNS : UNNAMED_COLUMNS}
          rows={rows}
          id={(row) => row.request}
          class="short"
          {...(isNamed ? { onOpen: open } : {})}
        />
      ) : (
        <Empty>{t(words.none)}</Empty>
      )}
    </Panel>
  );
}

/** In force, and yet more is taken, or fed in, than may be. */
function isDisobeyed(row: Request): boolean {
  return row.state === "active" && row.observed_kw !== null && row.observed_kw > row.limit_kw + OBEYED_WITHIN_KW;
}

const COLUMNS: readonly Column<Request>[] = [
  ...targetColumns<Request>(),
  { key: "before", name: words.before, isFigure: true, cell: (row) => boundKw(row.p_before_kw, row.direction), order: (row) => row.p_before_kw },
  { key: "asked", name: words.asked, isFigure: true, cell: (row) => boundKw(row.limit_kw, row.direction), order: (row) => row.limit_kw },
  {
    key: "acknowledged",
    name: words.acknowledged,
    isFigure: true,
    cell: (row) => boundKw(row.shown_limit_kw, row.direction),
    order: (row) => row.shown_limit_kw ?? null,
  },
  {
    key: "measured",
    name: words.measured,
    isFigure: true,
    cell: (row) => (
      <>
        {isDisobeyed(row) ? (
          <Status tone="warn">
            {boundKw(row.observed_kw, row.direction)} <span class="unseen">{t(words.notObeyed)}</span>
          </Status>
        ) : (
          boundKw(row.observed_kw, row.direction)
        )}
      </>
    ),
    order: (row) => row.observed_kw,
  },
  {
    key: "state",
    name: words.state,
    cell: (row) => {
      const known = REQUEST_STATES[row.state];
      return (
        <>
          <Status tone={known?.tone ?? "normal"}>{known ? t(known.text) : row.state}</Status>
          {row.reason && known?.tone === "warn" && <span class="muted small"> {row.reason}</span>}
          {row.reduced_kwh !== null && <span class="muted small"> {t(words.reduced(row.reduced_kwh.toFixed(1), row.points ?? 0))}</span>}
        </>
      );
    },
    order: (row) => row.state,
  },
  { key: "until", name: words.until, cell: (row) => when(row.end, false), order: (row) => row.end },
];
const UNNAMED_COLUMNS = COLUMNS.filter(({ key }) => key !== "customer");
