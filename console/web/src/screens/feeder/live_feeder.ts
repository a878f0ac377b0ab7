// The one copy of a feeder's state on this page: each event of the stream is laid over what was known.

import { useEffect, useState } from "preact/hooks";
import { body, client } from "../../api/client";
import { useResource, type Resource } from "../../api/resource";
import { isPresent, on, watchFeeder } from "../../live/stream";
import type { Figures, Layout } from "../../parts/network/layout";
import type { FeederEvent, ForecastPoint, Request, TrendColumns } from "./feeder_event";

const MOST_POINTS = 2_000;
/** A drawing that could not be fetched is asked for again so often, and when the line comes back. */
const AGAIN_MS = 10_000;

export interface Trend {
  /** Seconds since 1970. */
  readonly atS: readonly number[];
  readonly transformer: readonly (number | null)[];
  readonly line: readonly (number | null)[];
  readonly without: readonly (number | null)[];
  readonly curtailedKw: readonly (number | null)[];
}

export interface LiveFeeder {
  readonly now: FeederEvent;
  /** When that came, by the page's own clock: `performance.now()`. */
  readonly heardAtMs: number;
  readonly figures: Figures;
  readonly requests: readonly Request[];
  readonly trend: Trend;
  readonly forecast: readonly ForecastPoint[];
}

const NO_TREND: Trend = { atS: [], transformer: [], line: [], without: [], curtailedKw: [] };

/** What is known after one more event. */
export function after(known: LiveFeeder | null, told: FeederEvent): LiveFeeder {
  const before = known?.now.feeder === told.feeder ? known : null;
  return {
    now: told,
    heardAtMs: performance.now(),
    figures: { line: told.line_loading_percent, transformer: told.transformer_loading_percent, v: told.v_pu },
    requests: requestsAfter(before?.requests ?? [], told.requests),
    trend: trendAfter(before?.trend ?? NO_TREND, told.trend),
    forecast: told.forecast ?? before?.forecast ?? [],
  };
}

/** The very same list while nothing changes, so that nothing is drawn anew for it. */
function requestsAfter(known: readonly Request[], told: FeederEvent["requests"]): readonly Request[] {
  if (!told.whole && told.rows.length === 0 && told.gone.length === 0 && told.order === null) return known;
  const byId = new Map(told.whole ? [] : known.map((request) => [request.request, request]));
  for (const row of told.rows) byId.set(row.request, row);
  for (const gone of told.gone) byId.delete(gone);
  const order = told.order ?? known.map((request) => request.request);
  return order.flatMap((id) => byId.get(id) ?? []);
}

function trendAfter(known: Trend, told: TrendColumns): Trend {
  const before = told.whole ? NO_TREND : known;
  const join = <T>(old: readonly T[], more: readonly T[]): readonly T[] => [...old, ...more].slice(-MOST_POINTS);
  return {
    atS: join(before.atS, told.at_ms.map((ms) => ms / 1000)),
    transformer: join(before.transformer, told.transformer_loading_percent),
    line: join(before.line, told.max_line_loading_percent),
    without: join(before.without, told.without_control_percent),
    curtailedKw: join(before.curtailedKw, told.curtailed_kw),
  };
}

export interface Shown {
  readonly layout: Resource<Layout>;
  /** null: nothing was told yet; only figures that fit the layout are handed out. */
  readonly live: LiveFeeder | null;
}

export function useFeeder(feeder: string): Shown {
  const layout = useResource<Layout>(
    async (signal) => {
      const asked: Promise<{ data?: unknown }> = client.GET("/api/v1/feeders/{feeder}/layout", { params: { path: { feeder } }, signal });
      return (await body(asked)) as Layout; // the client's own type makes pairs of numbers into something else
    },
    [feeder],
  );
  const [live, setLive] = useState<LiveFeeder | null>(null);
  useEffect(() => {
    setLive(null);
    const end = on<FeederEvent>("feeder", (told) => {
      if (told.feeder === feeder) setLive((known) => after(known, told));
    });
    return end;
  }, [feeder]);
  const exists = layout.data !== undefined; // one that does not would end the whole page's stream
  useEffect(() => {
    if (!exists) return undefined;
    watchFeeder(feeder);
    return () => watchFeeder(null);
  }, [feeder, exists]);
  const failed = layout.data === undefined && layout.problem !== undefined;
  const isThere = isPresent.value;
  useEffect(() => {
    if (!failed || !isThere) return undefined;
    layout.reload();
    const timer = setInterval(() => document.hidden || layout.reload(), AGAIN_MS);
    return () => clearInterval(timer);
  }, [failed, isThere]);
  const fits = live === null || layout.data === undefined || live.now.layout === layout.data.id;
  useEffect(() => {
    if (!fits && !layout.isLoading) layout.reload(); // the network was switched or changed
  }, [fits, live?.now.cycle]);
  return { layout, live: fits ? live : null };
}
