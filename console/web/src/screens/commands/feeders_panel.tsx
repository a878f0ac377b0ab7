// The automatic of each feeder, and where orders for it begin.

import { useState } from "preact/hooks";
import { percent, when } from "../../format";
import { overviewProblem, rows, type Row } from "../../live/overview";
import { Panel } from "../../parts/page";
import { Empty, Loading, ProblemNote } from "../../parts/states";
import { Status } from "../../parts/status";
import { Table, type Column } from "../../parts/table";
import { may } from "../../session";
import { t, type Text } from "../../words";
import { AUTOMATIC } from "../overview/words";
import { OrderDialog, type Preset } from "./order_dialog";

const words = {
  title: { en: "Automatic control", zh: "自动控制" },
  feeder: { en: "Feeder", zh: "馈线" },
  automatic: { en: "Automatic", zh: "自动控制" },
  by: { en: "By", zh: "操作人" },
  why: { en: "Reason", zh: "原因" },
  since: { en: "Since", zh: "开始时间" },
  loading: { en: "Highest loading", zh: "最高负载率" },
  orders: { en: "Orders", zh: "操作" },
  off: { en: "Take out …", zh: "退出自动……" },
  on: { en: "Put on …", zh: "投入自动……" },
  other: { en: "Order …", zh: "下达指令……" },
  offOf: (feeder: string): Text => ({ en: `Take the automatic of ${feeder} out`, zh: `退出 ${feeder} 的自动控制` }),
  onOf: (feeder: string): Text => ({ en: `Put the automatic of ${feeder} on`, zh: `投入 ${feeder} 的自动控制` }),
  orderFor: (feeder: string): Text => ({ en: `Order for ${feeder}`, zh: `对 ${feeder} 下达指令` }),
  none: { en: "There is no feeder.", zh: "没有馈线。" },
  mayNot: { en: "Your role may look, but not give orders.", zh: "您的角色只能查看，无权下达指令。" },
};

interface Opened {
  readonly feeder: string;
  readonly preset: Preset | null;
}

export function FeedersPanel() {
  const [opened, setOpened] = useState<Opened | null>(null);
  return (
    <Panel title={words.title} class="wide">
      {!may("operate") && <Empty>{t(words.mayNot)}</Empty>}
      <Listed onOpen={setOpened} />
      {opened && <OrderDialog feeder={opened.feeder} preset={opened.preset} onClose={() => setOpened(null)} />}
    </Panel>
  );
}

function Listed({ onOpen }: { onOpen: (opened: Opened) => void }) {
  const known = rows.value;
  if (known.length === 0) {
    return overviewProblem.value === undefined ? <Loading /> : <ProblemNote problem={overviewProblem.value} />;
  }
  return <Table caption={words.title} columns={columnsFor(onOpen)} rows={known} id={(row) => row.id} />;
}

const columnsFor = (onOpen: (opened: Opened) => void): readonly Column<Row>[] => [
  { key: "feeder", name: words.feeder, order: (row) => row.id, cell: (row) => <a href={`#/feeders/${encodeURIComponent(row.id)}`}>{row.id}</a> },
  {
    key: "automatic",
    name: words.automatic,
    order: (row) => row.automatic.state,
    cell: (row) => {
      const { tone, name } = AUTOMATIC[row.automatic.state];
      return <Status tone={tone}>{t(name)}</Status>;
    },
  },
  { key: "by", name: words.by, cell: (row) => row.automatic.who ?? "" },
  { key: "why", name: words.why, cell: (row) => <span class="commands-why">{row.automatic.why ?? ""}</span> },
  { key: "since", name: words.since, cell: (row) => (row.automatic.since ? when(row.automatic.since, false) : "") },
  {
    key: "loading",
    name: words.loading,
    isFigure: true,
    order: (row) => row.highest?.loading_percent ?? null,
    cell: (row) => percent(row.highest?.loading_percent, row.highest?.limit_percent),
  },
  { key: "orders", name: words.orders, cell: (row) => may("operate", row.id) && <Buttons row={row} onOpen={onOpen} /> },
];

function Buttons({ row, onOpen }: { row: Row; onOpen: (opened: Opened) => void }) {
  const { state } = row.automatic;
  const isOut = state === "off" || state === "stopped";
  const open = (preset: Preset | null) => (): void => onOpen({ feeder: row.id, preset });
  return (
    <span class="row commands-row-actions">
      {(isOut || state === "released") && (
        <button type="button" aria-label={t(words.onOf(row.id))} onClick={open({ action: "automatic_on" })}>
          {t(words.on)}
        </button>
      )}
      {!isOut && (
        <button type="button" aria-label={t(words.offOf(row.id))} onClick={open({ action: "automatic_off" })}>
          {t(words.off)}
        </button>
      )}
      <button type="button" aria-label={t(words.orderFor(row.id))} onClick={open(null)}>
        {t(words.other)}
      </button>
    </span>
  );
}
