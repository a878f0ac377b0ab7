// Requests with what was asked, what came of it, and what it earned.

import { boundKw, kwh, plain, when } from "../../format";
import { Status } from "../../parts/status";
import { Table, type Column } from "../../parts/table";
import { t, type Text } from "../../words";
import { REQUEST_STATES } from "../feeder/feeder_words";
import { words, type RequestRow } from "./customer_words";

const own = {
  target: { en: "Asked of", zh: "对象" },
  limit: { en: "Limit", zh: "限值" },
  before: { en: "Took before", zh: "之前功率" },
  until: { en: "Until", zh: "截止" },
  answer: { en: "Answer", zh: "应答" },
  reduced: { en: "Proven less", zh: "核定削减" },
  points: { en: "Points", zh: "积分" },
  person: { en: "notice", zh: "通知" },
};
const OUTCOMES: Readonly<Record<string, Text>> = {
  credited: { en: "credited", zh: "已入账" },
  nothing_shown: { en: "meter shows nothing less", zh: "电表未显示削减" },
  too_little_data: { en: "meter read too seldom", zh: "电表数据不足" },
  refused_or_silent: { en: "never in force", zh: "未生效" },
};
const ANSWERS: Readonly<Record<string, Text>> = {
  accepted: { en: "accepted", zh: "接受" },
  refused: { en: "refused", zh: "拒绝" },
  ended: { en: "ended", zh: "结束" },
  opted_in: { en: "yes", zh: "参与" },
  opted_out: { en: "no", zh: "不参与" },
};
const answerText = (row: RequestRow): string => {
  const said = row.consent ?? row.answer;
  return said ? (ANSWERS[said] ? t(ANSWERS[said]) : said) : "–";
};

const COLUMNS: readonly Column<RequestRow>[] = [
  { key: "at", name: words.at, cell: (row) => when(row.planned_at, false), order: (row) => row.planned_at },
  {
    key: "request",
    name: words.request,
    cell: (row) => <a href={`#/events/${encodeURIComponent(row.event)}`}>{row.request}</a>,
    order: (row) => row.request,
  },
  { key: "target", name: own.target, cell: (row) => (row.resource === "person" ? t(own.person) : row.target) },
  {
    key: "state",
    name: words.state,
    cell: (row) => {
      const known = REQUEST_STATES[row.state];
      return <Status tone={known?.tone ?? "normal"}>{known ? t(known.text) : row.state}</Status>;
    },
    order: (row) => row.state,
  },
  { key: "before", name: own.before, isFigure: true, cell: (row) => boundKw(row.p_before_kw, row.direction), order: (row) => row.p_before_kw },
  { key: "limit", name: own.limit, isFigure: true, cell: (row) => boundKw(row.limit_kw, row.direction), order: (row) => row.limit_kw },
  { key: "until", name: own.until, cell: (row) => when(row.ended_at ?? row.end, false), order: (row) => row.ended_at ?? row.end },
  { key: "answer", name: own.answer, cell: (row) => <span title={row.reason ?? undefined}>{answerText(row)}</span> },
  {
    key: "reduced",
    name: own.reduced,
    isFigure: true,
    cell: (row) => (row.outcome && row.outcome !== "credited" && OUTCOMES[row.outcome] ? t(OUTCOMES[row.outcome]!) : kwh(row.reduced_kwh, 2)),
    order: (row) => row.reduced_kwh,
  },
  { key: "points", name: own.points, isFigure: true, cell: (row) => plain(row.points), order: (row) => row.points },
];

export function RequestsTable({ rows, caption = words.requests }: { rows: readonly RequestRow[]; caption?: Text }) {
  if (rows.length === 0) return <p class="empty">{t(words.noRequests)}</p>;
  return <Table caption={caption} columns={COLUMNS} rows={rows} id={(row) => row.request} />;
}
