// Each request with the states it came through, and what the meter proved in the end.

import { boundKw, kw, kwh, plain, when, withUnit } from "../../format";
import { Panel } from "../../parts/page";
import { Empty } from "../../parts/states";
import { Status } from "../../parts/status";
import { Table, type Column } from "../../parts/table";
import { t, type Text } from "../../words";
import { REQUEST_STATES } from "../feeder/feeder_words";
import { targetColumns } from "../feeder/target_columns";
import type { RequestRow } from "./bodies";
import { nameText, outcomeOf } from "./event_words";

const words = {
  title: { en: "Requests and settlement", zh: "请求与结算" },
  none: { en: "There were no requests.", zh: "没有请求。" },
  before: { en: "Took", zh: "原功率" },
  limit: { en: "Limit", zh: "限值" },
  baseline: { en: "Baseline", zh: "基线" },
  state: { en: "State", zh: "状态" },
  course: { en: "Course", zh: "过程" },
  inForce: { en: "In force", zh: "执行时段" },
  outcome: { en: "Settlement", zh: "结算" },
  proven: { en: "Proven of asked", zh: "核实 / 要求削减" },
  points: { en: "Points", zh: "积分" },
  corrected: (n: number): Text => ({ en: `corrected ${n} times`, zh: `已更正 ${n} 次` }),
  notYet: { en: "not yet", zh: "未结算" },
};

export function Requests({ rows }: { rows: readonly RequestRow[] }) {
  return (
    <Panel title={words.title}>
      {rows.length ? (
        <Table caption={words.title} columns={COLUMNS} rows={rows} id={(row) => row.request} />
      ) : (
        <Empty>{t(words.none)}</Empty>
      )}
    </Panel>
  );
}

const stateText = (state: string): string => t(REQUEST_STATES[state]?.text ?? { en: state, zh: state });
const COURSE: Readonly<Record<string, Text>> = { sent: { en: "sent", zh: "已下发" } };
const courseText = (state: string): string => (COURSE[state] ? t(COURSE[state]) : stateText(state));
const lowest = (row: RequestRow): number => Math.min(...row.limits.map(([, limit]) => limit));

const COLUMNS: readonly Column<RequestRow>[] = [
  ...targetColumns<RequestRow>(nameText),
  { key: "before", name: words.before, isFigure: true, cell: (row) => boundKw(row.p_before_kw, row.direction), order: (row) => row.p_before_kw },
  { key: "limit", name: words.limit, isFigure: true, cell: (row) => boundKw(lowest(row), row.direction), order: lowest },
  { key: "baseline", name: words.baseline, isFigure: true, cell: (row) => kw(row.baseline_kw), order: (row) => row.baseline_kw },
  {
    key: "state",
    name: words.state,
    cell: (row) => <Status tone={REQUEST_STATES[row.state]?.tone ?? "normal"}>{stateText(row.state)}</Status>,
    order: (row) => row.state,
  },
  {
    key: "course",
    name: words.course,
    cell: (row) => (
      <ol class="course small">
        {row.states.map(([state, at]) => (
          <li key={state + at}>
            {courseText(state)} <time dateTime={at}>{when(at)}</time>
          </li>
        ))}
      </ol>
    ),
  },
  {
    key: "inForce",
    name: words.inForce,
    cell: (row) => (row.active_at === null ? "–" : `${when(row.active_at, false)} – ${when(row.ended_at, false)}`),
    order: (row) => row.active_at,
  },
  {
    key: "outcome",
    name: words.outcome,
    cell: (row) => {
      if (row.settled === null) return <span class="muted">{row.state === "settled" ? "–" : t(words.notYet)}</span>;
      const { tone, text } = outcomeOf(row.settled.outcome);
      return (
        <>
          <Status tone={tone}>{t(text)}</Status>
          {row.settled.corrections > 0 && <span class="muted small"> {t(words.corrected(row.settled.corrections))}</span>}
        </>
      );
    },
    order: (row) => row.settled?.outcome ?? null,
  },
  {
    key: "proven",
    name: words.proven,
    isFigure: true,
    cell: (row) => (
      <>
        {kwh(row.settled?.reduced_kwh, 2)}
        {row.settled && (
          <span class="of-asked muted small">
            / {kwh(row.settled.asked_kwh, 2)}, {withUnit(row.settled.compliance_percent, "%")}
          </span>
        )}
      </>
    ),
    order: (row) => row.settled?.reduced_kwh ?? null,
  },
  {
    key: "points",
    name: words.points,
    isFigure: true,
    cell: (row) => plain(row.settled?.points),
    order: (row) => row.settled?.points ?? null,
  },
];
