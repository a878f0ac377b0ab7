// What happened in a shift, as the journal tells it.

import { kwh, percent, plain, span } from "../../format";
import { elementName } from "../../parts/element_name";
import { Status, Tile, Tiles, type Tone } from "../../parts/status";
import { Table, type Column } from "../../parts/table";
import { t, type Text } from "../../words";
import { kindName, PRIORITY_SIGNS, type Priority } from "../alarms/kind_names";
import { At } from "./at";
import { PRIORITY_ORDER, words, type Summary } from "./handover_words";

const own = {
  events: { en: "Events", zh: "事件" },
  requests: { en: "Requests", zh: "请求" },
  reduced: { en: "Proven less", zh: "核定削减" },
  points: { en: "Points credited", zh: "入账积分" },
  corrected: { en: "Corrected later", zh: "事后更正" },
  corrections: (count: string, points: string): Text => ({
    en: `${count} settlements, ${points} points`,
    zh: `${count} 笔结算，积分 ${points}`,
  }),
  alarms: { en: "Alarms", zh: "告警" },
  silent: { en: "Silent devices", zh: "无应答设备" },
  refusedReadings: { en: "Readings refused", zh: "拒收量测" },
  restarts: { en: "Controller started", zh: "控制器启动" },
  people: { en: "People asked", zh: "通知用户" },
  said: (yes: string, no: string): Text => ({ en: `${yes} yes, ${no} no`, zh: `同意 ${yes}，拒绝 ${no}` }),
  unreached: (count: string): Text => ({ en: `${count} words not delivered`, zh: `${count} 条未送达` }),
  came: (refused: string, unanswered: string): Text => ({
    en: `${refused} refused, ${unanswered} unanswered`,
    zh: `拒绝 ${refused}，无应答 ${unanswered}`,
  }),
  shelved: (count: string): Text => ({ en: `${count} shelved`, zh: `搁置 ${count}` }),
  disputes: { en: "Disputes", zh: "异议" },
  opened: (opened: string, closed: string): Text => ({ en: `${opened} opened, ${closed} decided`, zh: `新增 ${opened}，办结 ${closed}` }),
  partly: { en: "The shift is so long that only its latest part is told:", zh: "本班时间过长，仅统计最近部分：" },
  event: { en: "Event", zh: "事件" },
  element: { en: "Element", zh: "元件" },
  duration: { en: "Duration", zh: "持续时间" },
  peak: { en: "Peak", zh: "峰值" },
  asked: { en: "Requests planned", zh: "计划请求" },
  goesOn: { en: "goes on", zh: "进行中" },
  beforeShift: { en: "before", zh: "上一班" },
  short: { en: "not enough to ask for", zh: "可调容量不足" },
  automatic: { en: "Automatic switched", zh: "自动控制投退" },
  acts: { en: "What operators did", zh: "操作记录" },
  data: { en: "Data quality", zh: "数据质量" },
  kind: { en: "Kind", zh: "类型" },
  priority: { en: "Priority", zh: "优先级" },
  count: { en: "How often", zh: "次数" },
  last: { en: "Last", zh: "最近" },
  device: { en: "Device", zh: "设备" },
  target: { en: "Target", zh: "对象" },
  from: { en: "From", zh: "自" },
  told: { en: "Told", zh: "说明" },
  reason: { en: "Reason", zh: "原因" },
  more: (shown: string, all: string): Text => ({ en: `the latest ${shown} of ${all}`, zh: `共 ${all} 条，显示最近 ${shown} 条` }),
};
const ACTS: Readonly<Record<string, Text>> = {
  automatic_off: { en: "Automatic off", zh: "退出自动控制" },
  automatic_on: { en: "Automatic on", zh: "投入自动控制" },
  emergency_stop: { en: "Emergency stop", zh: "紧急停止" },
  release: { en: "Released", zh: "释放" },
  release_all: { en: "Released everybody", zh: "全部释放" },
  exclude: { en: "Excluded", zh: "排除" },
  include: { en: "Included again", zh: "恢复参与" },
  limit: { en: "Limited", zh: "人工限值" },
};
type EventRow = Summary["events"][number];
type Act = Summary["acts"][number];
type AlarmRow = Summary["alarms"][number];
type Silent = Summary["silent"][number];
type Data = Summary["data"][number];

const tone = (count: number, bad: Tone): Tone => (count > 0 ? bad : "normal");

export function SummaryView({ summary }: { summary: Summary }) {
  const { people } = summary;
  const alarms = PRIORITY_ORDER.map((one) => summary.alarms_by_priority[one] ?? 0);
  const urgent = (alarms[0] ?? 0) + (alarms[1] ?? 0);
  const refused = Object.values(summary.readings_refused).reduce((sum, count) => sum + count, 0);
  const ends = summary.requests_by_end;
  return (
    <div class="summary">
      {!summary.complete && (
        <p class="note warn">
          {t(own.partly)} <At at={summary.from_at} /> – <At at={summary.until_at} />
        </p>
      )}
      <Tiles>
        <Tile label={t(own.events)} value={plain(summary.events_total)} />
        <Tile
          label={t(own.requests)}
          value={plain(summary.requests_planned)}
          note={t(own.came(plain(ends["refused"] ?? 0), plain(ends["unanswered"] ?? 0)))}
        />
        <Tile label={t(own.reduced)} value={kwh(summary.reduced_kwh)} note={`${t(own.points)}: ${plain(summary.points)}`} />
        {summary.corrections > 0 && <Corrected summary={summary} />}
        <Tile
          label={t(own.alarms)}
          value={plain(alarms.reduce((sum, count) => sum + count, 0))}
          tone={tone(urgent, "warn")}
          note={<AlarmCounts summary={summary} />}
        />
        <Tile label={t(own.silent)} value={plain(summary.silent_total)} tone={tone(summary.silent_total, "warn")} />
        <Tile label={t(own.refusedReadings)} value={plain(refused)} />
        <Tile
          label={t(own.people)}
          value={plain(people.asked)}
          note={`${t(own.said(plain(people.said_yes), plain(people.said_no)))}${people.not_reached ? `; ${t(own.unreached(plain(people.not_reached)))}` : ""}`}
        />
        <Tile
          label={t(own.disputes)}
          value={plain(summary.disputes_opened)}
          note={t(own.opened(plain(summary.disputes_opened), plain(summary.disputes_closed)))}
        />
        {summary.restarts > 0 && <Tile label={t(own.restarts)} value={plain(summary.restarts)} />}
      </Tiles>
      <Part title={own.events} rows={summary.events} total={summary.events_total} columns={EVENTS} id={(row) => row.event} />
      <Part title={own.automatic} rows={summary.automatic} columns={ACT_COLUMNS} id={(row) => `${row.at}${row.feeder}${row.action}`} />
      <Part title={own.acts} rows={summary.acts} total={summary.acts_total} columns={ACT_COLUMNS} id={(row) => `${row.at}${row.action}${row.target}`} />
      <Part title={own.alarms} rows={summary.alarms} columns={ALARMS} id={(row) => `${row.kind}${row.priority}`} />
      <Part title={own.silent} rows={summary.silent} total={summary.silent_total} columns={SILENT} id={(row) => row.device} />
      <Part title={own.data} rows={summary.data} total={summary.data_total} columns={DATA} id={(row) => `${row.feeder}${row.kind}${row.raised_at}${row.ended_at}`} />
      {refused > 0 && (
        <Part
          title={own.refusedReadings}
          rows={Object.entries(summary.readings_refused)}
          columns={REFUSED}
          id={([reason]) => reason}
        />
      )}
    </div>
  );
}

const signed = (value: number, told: string): string => (value > 0 ? `+${told}` : told);

/** Beside what was settled, never in it: a correction is of a settlement that may be of another shift. */
function Corrected({ summary }: { summary: Summary }) {
  const points = signed(summary.corrected_points, plain(summary.corrected_points));
  return (
    <Tile
      label={t(own.corrected)}
      value={signed(summary.corrected_kwh, kwh(summary.corrected_kwh))}
      note={t(own.corrections(plain(summary.corrections), points))}
    />
  );
}

function AlarmCounts({ summary }: { summary: Summary }) {
  const told = PRIORITY_ORDER.filter((one) => summary.alarms_by_priority[one]).map(
    (one) => `${PRIORITY_SIGNS[one].sign} ${t(PRIORITY_SIGNS[one].name)} ${plain(summary.alarms_by_priority[one])}`,
  );
  if (summary.alarms_shelved) told.push(t(own.shelved(plain(summary.alarms_shelved))));
  return <>{told.join(" · ") || "–"}</>;
}

interface PartProps<Row> {
  title: Text;
  rows: readonly Row[];
  total?: number;
  columns: readonly Column<Row>[];
  id: (row: Row) => string;
}

/** Said only where there is something. */
function Part<Row>({ title, rows, total = rows.length, columns, id }: PartProps<Row>) {
  if (rows.length === 0) return null;
  return (
    <section class="summary-part">
      <h3>
        {t(title)} {total > rows.length && <span class="muted small">({t(own.more(plain(rows.length), plain(total)))})</span>}
      </h3>
      <Table caption={title} columns={columns} rows={rows} id={id} />
    </section>
  );
}

const seconds = (from: string, until: string): number => (Date.parse(until) - Date.parse(from)) / 1000;

const EVENTS: readonly Column<EventRow>[] = [
  { key: "event", name: own.event, cell: (row) => <a href={`#/events/${encodeURIComponent(row.event)}`}>{row.event}</a> },
  { key: "feeder", name: words.feeder, cell: (row) => row.feeder },
  { key: "element", name: own.element, cell: (row) => (row.element ? elementName(row.element) : "–") },
  { key: "from", name: own.from, cell: (row) => (row.opened_at ? <At at={row.opened_at} /> : t(own.beforeShift)) },
  {
    key: "duration",
    name: own.duration,
    isFigure: true,
    cell: (row) =>
      !row.closed_at ? <Status tone="info">{t(own.goesOn)}</Status> : row.opened_at ? span(seconds(row.opened_at, row.closed_at)) : "–",
  },
  { key: "peak", name: own.peak, isFigure: true, cell: (row) => percent(row.peak_percent) },
  { key: "asked", name: own.asked, isFigure: true, cell: (row) => plain(row.requests) },
  { key: "short", name: words.what, cell: (row) => (row.short ? <Status tone="bad">{t(own.short)}</Status> : "–") },
];
const ACT_COLUMNS: readonly Column<Act>[] = [
  { key: "at", name: words.at, cell: (row) => <At at={row.at} /> },
  { key: "who", name: words.who, cell: (row) => row.who },
  { key: "what", name: words.what, cell: (row) => (ACTS[row.action] ? t(ACTS[row.action]!) : row.action) },
  { key: "feeder", name: words.feeder, cell: (row) => row.feeder },
  { key: "target", name: own.target, cell: (row) => row.target ?? "–" },
  { key: "why", name: words.why, cell: (row) => row.why },
];
const lastOf = (row: AlarmRow) => (
  <>
    <At at={row.last_at} />
    {row.last_feeder && ` · ${row.last_feeder}`}
  </>
);
const ALARMS: readonly Column<AlarmRow>[] = [
  {
    key: "priority",
    name: own.priority,
    cell: (row) => {
      const known = PRIORITY_SIGNS[row.priority as Priority];
      return known ? `${known.sign} ${t(known.name)}` : row.priority;
    },
  },
  { key: "kind", name: own.kind, cell: (row) => t(kindName(row.kind)) },
  { key: "count", name: own.count, isFigure: true, cell: (row) => plain(row.count) },
  { key: "last", name: own.last, cell: lastOf },
];
const SILENT: readonly Column<Silent>[] = [
  { key: "device", name: own.device, cell: (row) => row.device },
  { key: "feeder", name: words.feeder, cell: (row) => row.feeder ?? "–" },
  { key: "times", name: own.count, isFigure: true, cell: (row) => plain(row.times) },
  { key: "last", name: own.last, cell: (row) => <At at={row.last_at} /> },
];
const DATA: readonly Column<Data>[] = [
  { key: "feeder", name: words.feeder, cell: (row) => row.feeder },
  { key: "kind", name: own.kind, cell: (row) => t(kindName(row.kind)) },
  { key: "from", name: own.from, cell: (row) => (row.raised_at ? <At at={row.raised_at} /> : t(own.beforeShift)) },
  {
    key: "until",
    name: words.until,
    cell: (row) => (row.ended_at ? <At at={row.ended_at} /> : <Status tone="warn">{t(own.goesOn)}</Status>),
  },
  { key: "text", name: own.told, cell: (row) => row.text },
];
const REFUSED: readonly Column<[string, number]>[] = [
  { key: "reason", name: own.reason, cell: ([reason]) => reason.replaceAll("_", " ") },
  { key: "count", name: own.count, isFigure: true, cell: ([, count]) => plain(count) },
];
