// Devices side by side: what was asked of each, what it shows, what it takes.

import { ago, kw, percent, siteNowMs } from "../../format";
import { Status } from "../../parts/status";
import { Table, type Column } from "../../parts/table";
import { t, type Text } from "../../words";
import { deviceText } from "../feeder/feeder_words";
import { customerHref, deviceHref, HEALTHS, protocolText, words, type DeviceRow } from "./customer_words";

export const deviceWords = {
  heard: { en: "Last heard", zh: "最近上报" },
  asked: { en: "Asked limit", zh: "下发限值" },
  shown: { en: "Shown limit", zh: "设备自报限值" },
  takes: { en: "Takes", zh: "实际功率" },
  failsafe: { en: "Failsafe", zh: "失联限值" },
  confirmed: { en: "confirmed", zh: "已确认" },
  notShown: { en: "not shown", zh: "未确认" },
  eventMode: { en: "ends with its event", zh: "随事件结束" },
  refused: { en: "Refused or silent", zh: "拒绝或无应答" },
  wire: { en: "Protocol", zh: "通信方式" },
  linkDown: { en: "link down", zh: "链路中断" },
  none: { en: "none", zh: "无" },
} satisfies Record<string, Text>;

/** `2 of 7` */
export function refusedText(row: DeviceRow): string {
  const said = row.refused + row.unanswered;
  return row.requests ? t({ en: `${said} of ${row.requests}`, zh: `${said}/${row.requests} 次` }) : "–";
}

/** A device's clock may be a little ahead of ours: that is now. */
export const heardText = (at: string | null | undefined): string =>
  at && Date.parse(at) > siteNowMs.value ? ago(siteNowMs.value) : ago(at);

export function HealthMark({ row }: { row: DeviceRow }) {
  const known = HEALTHS[row.health];
  return (
    <span title={t(known.told)}>
      <Status tone={known.tone}>{t(known.name)}</Status>
    </span>
  );
}

export function failsafeText(row: DeviceRow): string {
  if (!row.failsafe) return t(deviceWords.eventMode);
  return `${kw(row.failsafe.declared_kw)} · ${t(row.failsafe.confirmed ? deviceWords.confirmed : deviceWords.notShown)}`;
}

/** What it shows is another limit than was asked. */
export const differs = (row: DeviceRow): boolean =>
  row.asked_kw !== null && row.shown_kw !== null && Math.abs(row.asked_kw - row.shown_kw) > 0.7;

const COLUMNS: readonly Column<DeviceRow>[] = [
  { key: "device", name: words.device, cell: (row) => <a href={deviceHref(row)}>{row.device}</a>, order: (row) => row.device },
  { key: "kind", name: words.kind, cell: (row) => deviceText(row.kind), order: (row) => row.kind },
  { key: "health", name: words.health, cell: (row) => <HealthMark row={row} />, order: (row) => Object.keys(HEALTHS).indexOf(row.health) },
  {
    key: "customer",
    name: words.customer,
    cell: (row) => (row.customer ? <a href={customerHref(row.customer)}>{row.customer}</a> : "–"),
    order: (row) => row.customer,
  },
  { key: "feeder", name: words.feeder, cell: (row) => row.feeder, order: (row) => row.feeder },
  { key: "heard", name: deviceWords.heard, cell: (row) => heardText(row.heard_at), order: (row) => row.heard_at },
  {
    key: "asked",
    name: deviceWords.asked,
    isFigure: true,
    cell: (row) => (row.protected ? <Status tone="info">{t(words.neverLimited)}</Status> : kw(row.asked_kw)),
    order: (row) => row.asked_kw,
  },
  {
    key: "shown",
    name: deviceWords.shown,
    isFigure: true,
    cell: (row) => (differs(row) ? <Status tone="warn">{kw(row.shown_kw)}</Status> : kw(row.shown_kw)),
    order: (row) => row.shown_kw,
  },
  { key: "takes", name: deviceWords.takes, isFigure: true, cell: (row) => kw(row.p_kw), order: (row) => row.p_kw },
  { key: "failsafe", name: deviceWords.failsafe, cell: failsafeText },
  { key: "refused", name: deviceWords.refused, isFigure: true, cell: refusedText, order: (row) => (row.requests ? (row.refused + row.unanswered) / row.requests : null) },
  {
    key: "wire",
    name: deviceWords.wire,
    cell: (row) => (
      <>
        {protocolText(row)} {row.link_connected === false && <Status tone="bad">{t(deviceWords.linkDown)}</Status>}
      </>
    ),
  },
];
/** On one customer's page who and where is said already. */
const SHORT = COLUMNS.filter((column) => !["customer", "feeder", "wire"].includes(column.key));

interface DeviceTableProps {
  rows: readonly DeviceRow[];
  isShort?: boolean;
  onOpen?: (row: DeviceRow) => void;
}

export function DeviceTable({ rows, isShort = false, onOpen }: DeviceTableProps) {
  return (
    <Table
      caption={words.devices}
      columns={isShort ? SHORT : COLUMNS}
      rows={rows}
      id={(row) => `${row.feeder}/${row.device}`}
      {...(onOpen ? { onOpen } : {})}
    />
  );
}

export const reliability = (row: DeviceRow): string => percent(row.does_as_asked_percent);
