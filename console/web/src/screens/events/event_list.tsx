// All events, newest first: of which feeder, when, of which kind.

import { useEffect, useRef, useState } from "preact/hooks";
import { useLocation } from "wouter-preact";
import { body, client } from "../../api/client";
import { useResource } from "../../api/resource";
import { kwh, plain, siteNowMs, span, when } from "../../format";
import { on } from "../../live/stream";
import { Field } from "../../parts/field";
import { Page, Panel } from "../../parts/page";
import { PagesFoot, usePages, type PageOf } from "../../parts/pages";
import { Status } from "../../parts/status";
import { Table, type Column } from "../../parts/table";
import { t, verbatim, type Text } from "../../words";
import { kindText } from "../feeder/feeder_words";
import type { EventRow } from "./bodies";
import { elementText, figureText, stateOf } from "./event_words";

const words = {
  title: { en: "Events", zh: "事件" },
  list: { en: "Events, newest first", zh: "事件列表（最新在前）" },
  none: { en: "No event fits.", zh: "没有符合条件的事件。" },
  feeder: { en: "Feeder", zh: "馈线" },
  all: { en: "All", zh: "全部" },
  since: { en: "Since", zh: "时间" },
  state: { en: "State", zh: "状态" },
  kind: { en: "Kind", zh: "类型" },
  opened: { en: "Opened", zh: "开启" },
  lasted: { en: "Lasted", zh: "持续" },
  running: { en: "still runs", zh: "进行中" },
  element: { en: "Element", zh: "元件" },
  peak: { en: "Peak", zh: "最高负载率" },
  value: { en: "At opening", zh: "开启时" },
  asked: { en: "Asked", zh: "请求数" },
  notDone: { en: "Not done", zh: "未执行" },
  proven: { en: "Proven", zh: "核实削减" },
  points: { en: "Points", zh: "积分" },
  reload: { en: "Refresh", zh: "刷新" },
  news: { en: "There is something new", zh: "有更新" },
};
const DAY_MS = 86_400_000;
const SPANS: readonly { value: string; ms: number | null; name: Text }[] = [
  { value: "day", ms: DAY_MS, name: { en: "24 hours", zh: "24 小时" } },
  { value: "week", ms: 7 * DAY_MS, name: { en: "7 days", zh: "7 天" } },
  { value: "month", ms: 31 * DAY_MS, name: { en: "31 days", zh: "31 天" } },
  { value: "all", ms: null, name: words.all },
];
const STATES: readonly { value: string; name: Text }[] = [
  { value: "", name: words.all },
  { value: "running", name: { en: "Running", zh: "进行中" } },
  { value: "closed", name: { en: "Closed", zh: "已结束" } },
  { value: "short", name: { en: "Fell short", zh: "容量不足" } },
];
const KINDS = ["transformer_overload", "line_overload", "undervoltage", "overvoltage"];
const PAGE = 50;
const GATHERED_MS = 1500;

interface Filter {
  readonly feeder: string;
  readonly span: string;
  readonly state: string;
  readonly kind: string;
}

export function EventList() {
  const [filter, setFilter] = useState<Filter>({ feeder: "", span: "all", state: "", kind: "" });
  const [, go] = useLocation();
  const pages = usePages<EventRow>((after) => fetchPage(filter, after), [filter]);
  const hasNews = useNews(() => {
    if (pages.items.length > PAGE) return false; // who reads further down is asked first
    pages.reload();
    return true;
  });
  const reload = (): void => {
    hasNews.forget();
    pages.reload();
  };
  return (
    <Page
      title={words.title}
      tools={
        <button type="button" onClick={reload}>
          {t(words.reload)}
          {hasNews.any && <Status tone="info">{t(words.news)}</Status>}
        </button>
      }
    >
      <Panel title={words.list} tools={<Filters filter={filter} onChange={setFilter} />}>
        {pages.items.length > 0 && (
          <Table
            caption={words.list}
            columns={COLUMNS}
            rows={pages.items}
            id={(row) => row.event}
            onOpen={(row) => go(`/${encodeURIComponent(row.event)}`)}
          />
        )}
        <PagesFoot of={pages} none={t(words.none)} />
      </Panel>
    </Page>
  );
}

async function fetchPage(filter: Filter, after: string | number | null): Promise<PageOf<EventRow>> {
  const ms = SPANS.find((one) => one.value === filter.span)?.ms ?? null;
  const query = {
    limit: PAGE,
    ...(filter.feeder ? { feeder: filter.feeder } : {}),
    ...(filter.state ? { state: filter.state as "running" | "closed" | "short" } : {}),
    ...(filter.kind ? { kind: filter.kind } : {}),
    ...(ms === null ? {} : { from: new Date(siteNowMs.peek() - ms).toISOString() }),
    ...(after === null ? {} : { after: String(after) }),
  };
  return body(client.GET("/api/v1/events", { params: { query } }));
}

/**
 * Whether an event opened, closed or was settled since the list was read. `follow` reads it anew, if that may be
 * done unasked: much may come at once, so a while after the first of it.
 */
function useNews(follow: () => boolean): { any: boolean; forget: () => void } {
  const [any, setAny] = useState(false);
  const latest = useRef(follow);
  latest.current = follow;
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const end = on<unknown>("told", (told) => {
      if (!/"(event_opened|event_closed|request_settled)"/.test(JSON.stringify(told))) return;
      timer ??= setTimeout(() => {
        timer = undefined;
        if (!latest.current()) setAny(true);
      }, GATHERED_MS);
    });
    return () => {
      clearTimeout(timer);
      end();
    };
  }, []);
  return { any, forget: () => setAny(false) };
}

function Filters({ filter, onChange }: { filter: Filter; onChange: (filter: Filter) => void }) {
  const feeders = useResource((signal) => body(client.GET("/api/v1/feeders", { signal })), []);
  const set = (part: Partial<Filter>): void => onChange({ ...filter, ...part });
  const names = feeders.data?.feeders.map((one) => one.id) ?? [];
  return (
    <div class="event-filters">
      <Select label={words.feeder} value={filter.feeder} onChange={(feeder) => set({ feeder })}
        options={[{ value: "", name: words.all }, ...names.map((name) => ({ value: name, name: verbatim(name) }))]} />
      <Select label={words.since} value={filter.span} onChange={(chosen) => set({ span: chosen })} options={SPANS} />
      <Select label={words.state} value={filter.state} onChange={(state) => set({ state })} options={STATES} />
      <Select label={words.kind} value={filter.kind} onChange={(kind) => set({ kind })}
        options={[{ value: "", name: words.all }, ...KINDS.map((kind) => ({ value: kind, name: verbatim(kindText(kind)) }))]} />
    </div>
  );
}

interface SelectProps {
  label: Text;
  value: string;
  options: readonly { readonly value: string; readonly name: Text }[];
  onChange: (value: string) => void;
}

function Select({ label, value, options, onChange }: SelectProps) {
  return (
    <Field label={label}>
      {(tie) => (
        <select {...tie} value={value} onChange={(event) => onChange(event.currentTarget.value)}>
          {options.map((option) => (
            <option key={option.value} value={option.value}>
              {t(option.name)}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

const lastedS = (row: EventRow): number =>
  ((row.closed_at ? Date.parse(row.closed_at) : siteNowMs.value) - Date.parse(row.opened_at)) / 1000;

const COLUMNS: readonly Column<EventRow>[] = [
  {
    key: "opened",
    name: words.opened,
    cell: (row) => (
      <a href={`#/events/${encodeURIComponent(row.event)}`}>
        <time dateTime={row.opened_at}>{when(row.opened_at, false)}</time>
      </a>
    ),
    order: (row) => row.opened_at,
  },
  { key: "feeder", name: words.feeder, cell: (row) => row.feeder, order: (row) => row.feeder },
  {
    key: "state",
    name: words.state,
    cell: (row) => <Status tone={stateOf(row).tone}>{t(stateOf(row).text)}</Status>,
    order: (row) => t(stateOf(row).text),
  },
  {
    key: "element",
    name: words.element,
    cell: (row) => (
      <>
        {elementText(row.element)} <span class="muted small">{kindText(row.kind)}</span>
      </>
    ),
    order: (row) => row.element,
  },
  { key: "value", name: words.value, isFigure: true, cell: (row) => figureText(row.element, row.value, row.limit), order: (row) => row.value },
  {
    key: "peak",
    name: words.peak,
    isFigure: true,
    cell: (row) => figureText("", row.peak_percent),
    order: (row) => row.peak_percent,
  },
  { key: "lasted", name: words.lasted, isFigure: true, cell: (row) => span(lastedS(row)), order: lastedS },
  {
    key: "asked",
    name: words.asked,
    isFigure: true,
    cell: (row) => plain(row.devices + row.people),
    order: (row) => row.devices + row.people,
  },
  {
    key: "notDone",
    name: words.notDone,
    isFigure: true,
    cell: (row) => (row.not_done ? <Status tone="warn">{plain(row.not_done)}</Status> : plain(0)),
    order: (row) => row.not_done,
  },
  { key: "proven", name: words.proven, isFigure: true, cell: (row) => kwh(row.reduced_kwh), order: (row) => row.reduced_kwh },
  { key: "points", name: words.points, isFigure: true, cell: (row) => plain(row.points), order: (row) => row.points },
];
