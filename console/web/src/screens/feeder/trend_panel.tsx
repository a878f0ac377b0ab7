// The loading over time: what was, what would have been without control, and what is expected.

import { useMemo, useState } from "preact/hooks";
import type { AlignedData } from "uplot";
import { percent, when } from "../../format";
import { Choice } from "../../parts/field";
import { nameOf, type Layout } from "../../parts/network/layout";
import { Panel } from "../../parts/page";
import { Trend, type Line } from "../../parts/trend";
import { t, type Text } from "../../words";
import { kindText, valueText } from "./feeder_words";
import type { LiveFeeder } from "./live_feeder";

const words = {
  title: { en: "Loading over time", zh: "负载率趋势" },
  span: { en: "Span", zh: "时间范围" },
  hour: { en: "1 h", zh: "1 小时" },
  all: { en: "All", zh: "全部" },
  transformer: { en: "Transformer", zh: "变压器" },
  line: { en: "Highest line", zh: "最高线路" },
  without: { en: "Without control", zh: "无控制时" },
  expectedTransformer: { en: "Transformer, expected", zh: "变压器（预测）" },
  low: { en: "80 % interval, from", zh: "80 % 区间下限" },
  high: { en: "to", zh: "80 % 区间上限" },
  expectedLine: { en: "Highest line, expected", zh: "最高线路（预测）" },
  limit: { en: "Limit", zh: "限值" },
  limitOf: (name: string): Text => ({ en: `Limit of ${name}`, zh: `${name} 限值` }),
  mixed: {
    en: "Lines have different limits: the highest loaded line is not always the one nearest to its limit.",
    zh: "各线路限值不同：负载率最高的线路不一定最接近其限值。",
  },
  nothing: (until: string): Text => ({
    en: `Nothing outside its limits is expected until ${until}.`,
    zh: `预计 ${until} 前无越限。`,
  }),
  oldForecast: (at: string): Text => ({ en: `Forecast of ${at}: no newer one has come.`, zh: `${at} 的预测，尚无更新。` }),
  noForecast: {
    en: "No forecast yet: one day has to be seen first, and announcing has to be on.",
    zh: "暂无预测：需先积累一天数据，且须启用预告功能。",
  },
  expected: (name: string, kind: string, at: string, value: string, chance: string): Text => ({
    en: `${name}, ${kind}: ${value} expected at ${at}, probability ${chance}`,
    zh: `${name}，${kind}：预计 ${at} 达到 ${value}，概率 ${chance}`,
  }),
  summary: (now: string, limit: string): Text => ({
    en: `Loading over time: highest now ${now}, limit ${limit}`,
    zh: `负载率趋势：当前最高 ${now}，限值 ${limit}`,
  }),
};
const LINES: readonly Line[] = [
  { name: words.transformer, colour: "--ink", width: 2 },
  { name: words.line, colour: "--muted", width: 1.5 },
  { name: words.without, colour: "--high", width: 1.5, dash: [3, 3] },
  { name: words.expectedTransformer, colour: "--ink", width: 2, dash: [8, 5] },
  { name: words.low, colour: "--edge", width: 1, dash: [2, 4] },
  { name: words.high, colour: "--edge", width: 1, dash: [2, 4] },
  { name: words.expectedLine, colour: "--muted", width: 1.5, dash: [8, 5] },
];
type Span = "hour" | "all";
const SPANS = [
  { value: "hour", name: words.hour },
  { value: "all", name: words.all },
] as const;
const HOUR_S = 3600;

export function TrendPanel({ layout, live }: { layout: Layout; live: LiveFeeder }) {
  const [shown, setShown] = useState<Span>("all");
  const data = useMemo(() => chartData(live, shown), [live.trend, live.forecast, shown]);
  const { limit, name } = useMemo(() => strictest(layout), [layout]);
  const marks = useMemo(() => [{ name, value: limit, colour: "--over" }], [limit, name]);
  const now = live.trend.transformer.at(-1) ?? null;
  const line = live.trend.line.at(-1) ?? null;
  const highest = now === null ? line : line === null ? now : Math.max(now, line);
  return (
    <Panel title={words.title} tools={<Choice label={words.span} value={shown} options={SPANS} onChange={setShown} />}>
      <Trend
        summary={t(words.summary(percent(highest, limit), percent(limit)))}
        unit="%"
        lines={LINES}
        data={data}
        marks={marks}
        range={[0, limit]}
        digits={1}
        height={250}
      />
      {hasMixedLines(layout) && <p class="muted small">{t(words.mixed)}</p>}
      {live.now.forecast_is_old && <p class="muted small">{t(words.oldForecast(when(live.now.looked_at, false)))}</p>}
      <Expected layout={layout} live={live} />
    </Panel>
  );
}

/** The strictest limit of a transformer, which the loadings are held against; the site's where there is none. */
function strictest(layout: Layout): { limit: number; name: Text } {
  const { limit_percent: limits, name: names } = layout.transformers;
  let found = -1;
  limits.forEach((limit, n) => {
    if (limit !== null && (found < 0 || limit < limits[found]!)) found = n;
  });
  if (found < 0) return { limit: layout.limits.loading_percent, name: words.limit };
  return { limit: limits[found]!, name: words.limitOf(names[found]!) };
}

const hasMixedLines = (layout: Layout): boolean => new Set(layout.lines.limit_percent).size > 1;

function Expected({ layout, live }: { layout: Layout; live: LiveFeeder }) {
  const { expected } = live.now;
  const until = live.forecast.at(-1)?.at;
  if (expected.length === 0) return <p class="muted small">{t(until === undefined ? words.noForecast : words.nothing(when(until, false)))}</p>;
  return (
    <ul class="expected">
      {expected.map((one) => (
        <li key={`${one.id}-${one.kind}`}>
          <span aria-hidden="true">▲ </span>
          {t(
            words.expected(
              nameOf(layout, one.id),
              kindText(one.kind),
              when(one.expected_at, false),
              valueText(one.kind, one.value, one.limit),
              percent(100 * one.probability),
            ),
          )}
        </li>
      ))}
    </ul>
  );
}

/** Past and future in one row of times; each line has gaps where it is not. */
function chartData(live: LiveFeeder, shown: Span): AlignedData {
  const { atS, transformer, line, without } = live.trend;
  const latest = atS.at(-1) ?? 0;
  const from = shown === "all" ? 0 : Math.max(0, atS.findIndex((at) => at >= latest - HOUR_S));
  const to = shown === "all" ? Infinity : latest + HOUR_S;
  const ahead = live.forecast.map((point) => ({ ...point, atS: Date.parse(point.at) / 1000 })).filter((point) => point.atS > latest && point.atS <= to);
  const past = atS.slice(from);
  const gap = <T,>(n: number, value: T): T[] => Array.from({ length: n }, () => value);
  const before = (values: readonly (number | null)[]): (number | null)[] => [...values.slice(from), ...gap(ahead.length, null)];
  // the expected course begins where the past ends
  const later = (values: readonly (number | null)[], last: number | null | undefined): (number | null)[] =>
    ahead.length === 0 ? gap(past.length, null) : [...gap(Math.max(0, past.length - 1), null), ...(past.length ? [last ?? null] : []), ...values];
  return [
    [...past, ...ahead.map((point) => point.atS)],
    before(transformer),
    before(line),
    before(without),
    later(ahead.map((point) => point.transformer_percent), transformer.at(-1)),
    later(ahead.map((point) => point.transformer_low), null),
    later(ahead.map((point) => point.transformer_high), null),
    later(ahead.map((point) => point.line_percent), line.at(-1)),
  ];
}
