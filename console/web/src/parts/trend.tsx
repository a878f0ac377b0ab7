// A chart over time on uPlot: lines, their limits, and the colours of the theme in force.

import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { clockTime, siteNowMs, when } from "../format";
import { colour, coloursChanged } from "../theme";
import { language, LOCALES, t, type Text } from "../words";

export interface Line {
  readonly name: Text;
  /** A colour of the style sheet, such as `--ink`. */
  readonly colour: string;
  readonly dash?: number[];
  readonly width?: number;
  /** Drawn as steps that hold until the next value, as limits do. */
  readonly isStepped?: boolean;
  /** Filled down to the axis. */
  readonly isFilled?: boolean;
}

export interface Mark {
  readonly name: Text;
  readonly value: number;
  readonly colour: string;
}

/** A moment, as an upright line across the chart. */
export interface Moment {
  readonly name: Text;
  /** Seconds since 1970. */
  readonly atS: number;
  readonly colour: string;
  /** Drawn through and without its name: where one is. */
  readonly isFirm?: boolean;
}

interface TrendProps {
  /** What the chart says, for who does not see it. */
  summary: string;
  unit: string;
  lines: readonly Line[];
  /** Times in seconds since 1970, then one array for each line; null: a gap. */
  data: uPlot.AlignedData;
  /** Level lines across the chart. */
  marks?: readonly Mark[];
  moments?: readonly Moment[];
  height?: number;
  /** Always within view, beside the data. */
  range?: readonly [number, number];
  digits?: number;
  /** Charts with the same key show the same moment. */
  syncKey?: string;
  /** A moment picked by a click, seconds since 1970. */
  onPick?: (atS: number) => void;
}

const stepped = uPlot.paths.stepped?.({ align: 1 });

export function Trend(props: TrendProps) {
  const place = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot | null>(null);
  const latest = useRef(props);
  latest.current = props;
  const shape = JSON.stringify([props.lines, props.unit, props.height, props.digits, props.syncKey]);

  useEffect(() => {
    const frame = place.current;
    if (!frame) return undefined;
    const made = (chart.current = new uPlot(options(latest, frame.clientWidth), latest.current.data, frame));
    const watcher = new ResizeObserver(() => {
      if (frame.clientWidth) made.setSize({ width: frame.clientWidth, height: latest.current.height ?? 220 });
    });
    watcher.observe(frame);
    return () => {
      watcher.disconnect();
      made.destroy();
      chart.current = null;
    };
  }, [shape, coloursChanged.value, language.value]);

  useEffect(() => {
    if (chart.current) renew(chart.current, props.data);
  }, [props.data]);
  useEffect(() => chart.current?.redraw(false), [props.marks, props.moments]);
  return <div class="trend" role="img" aria-label={props.summary} ref={place} />;
}

/** Newer values. Who has drawn a part of the time larger goes on seeing that part. */
function renew(chart: uPlot, data: uPlot.AlignedData): void {
  const times = chart.data[0];
  const [first, last] = [times[0], times[times.length - 1]];
  const { min, max } = chart.scales["x"] ?? {};
  const isWhole = first === undefined || last === undefined || min == null || max == null || (min <= first && max >= last);
  if (isWhole) {
    chart.setData(data);
    return;
  }
  chart.batch(() => {
    chart.setData(data, false);
    chart.setScale("x", { min, max });
  });
}

function options(latest: { current: TrendProps }, width: number): uPlot.Options {
  const { lines, unit, height = 220, digits = 0, syncKey } = latest.current;
  const grid = { stroke: colour("--hairline"), width: 1 };
  const axis: uPlot.Axis = { stroke: colour("--muted"), grid, ticks: grid, font: FONT };
  const figure = new Intl.NumberFormat(LOCALES[language.value], { maximumFractionDigits: digits });
  const say = (_: uPlot, value: number | null): string => (value === null ? "–" : `${figure.format(value)}\u202f${unit}`);
  return {
    width,
    height,
    series: [
      { label: t({ en: "Time", zh: "时间" }), value: (_, at) => (at === null ? "–" : when(at * 1000)) },
      ...lines.map((line) => series(line, say)),
    ],
    axes: [
      { ...axis, values: (_, at) => at.map((one, place) => axisLabel(one, at[place - 1])) },
      { ...axis, size: 64, values: (_, values) => values.map((value) => `${figure.format(value)}\u202f${unit}`) },
    ],
    scales: { y: { range: (_, low, high) => viewed(latest.current, low, high) } },
    cursor: { ...(syncKey ? { sync: { key: syncKey } } : {}), drag: { x: !latest.current.onPick, y: false } },
    legend: { live: true },
    hooks: {
      draw: [
        (chart) => drawMarks(chart, latest.current.marks ?? []),
        (chart) => drawMoments(chart, latest.current.moments ?? []),
      ],
      ready: [(chart) => chart.over.addEventListener("click", () => pick(chart, latest.current))],
    },
  };
}

const FONT = '12px system-ui, "Noto Sans CJK SC", "Microsoft YaHei", sans-serif';

/** The time of day, and below it the date where a day begins that is not the site's today. */
function axisLabel(atS: number, beforeS: number | undefined): string {
  const day = new Date(atS * 1000);
  const isKnown = beforeS !== undefined && new Date(beforeS * 1000).toDateString() === day.toDateString();
  const isToday = day.toDateString() === new Date(siteNowMs.peek()).toDateString();
  const time = clockTime(day, false);
  if (isKnown || (isToday && beforeS === undefined)) return time;
  return `${time}\n${day.toLocaleDateString(LOCALES[language.value], { month: "short", day: "numeric" })}`;
}

function series(line: Line, say: (chart: uPlot, value: number | null) => string): uPlot.Series {
  return {
    label: t(line.name),
    stroke: colour(line.colour),
    width: line.width ?? 1.5,
    points: { show: false },
    value: say,
    ...(line.dash ? { dash: line.dash } : {}),
    ...(line.isStepped && stepped ? { paths: stepped } : {}),
    ...(line.isFilled ? { fill: colour(`${line.colour}-soft`) } : {}),
  };
}

function viewed(props: TrendProps, low: number | null, high: number | null): [number, number] {
  const values = [low, high, ...(props.range ?? []), ...(props.marks ?? []).map((mark) => mark.value)];
  const known = values.filter((value): value is number => value !== null && Number.isFinite(value));
  if (known.length === 0) return [0, 1];
  const [least, most] = [Math.min(...known), Math.max(...known)];
  const air = (most - least || Math.abs(most) || 1) * 0.06;
  return [least === 0 ? 0 : least - air, most + air];
}

function drawMarks(chart: uPlot, marks: readonly Mark[]): void {
  const { ctx, bbox } = chart;
  const scale = devicePixelRatio;
  ctx.save();
  for (const mark of marks) {
    const y = Math.round(chart.valToPos(mark.value, "y", true));
    ctx.strokeStyle = ctx.fillStyle = colour(mark.colour);
    ctx.lineWidth = 1.5 * scale;
    ctx.setLineDash([7 * scale, 4 * scale]);
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
    ctx.font = `${11 * scale}px system-ui, sans-serif`;
    ctx.textAlign = "right";
    ctx.fillText(t(mark.name), bbox.left + bbox.width - 4 * scale, y - 4 * scale);
  }
  ctx.restore();
}

function drawMoments(chart: uPlot, moments: readonly Moment[]): void {
  const { ctx, bbox } = chart;
  const scale = devicePixelRatio;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  ctx.font = `${11 * scale}px system-ui, sans-serif`;
  ctx.textAlign = "left";
  const rowEnds: number[] = [];
  for (const moment of [...moments].sort((a, b) => a.atS - b.atS)) {
    const x = Math.round(chart.valToPos(moment.atS, "x", true));
    ctx.strokeStyle = ctx.fillStyle = colour(moment.colour);
    ctx.lineWidth = (moment.isFirm ? 2 : 1) * scale;
    ctx.setLineDash(moment.isFirm ? [] : [3 * scale, 3 * scale]);
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    if (moment.isFirm) continue;
    const name = t(moment.name);
    const end = x + ctx.measureText(name).width + 10 * scale;
    const free = rowEnds.findIndex((taken) => taken < x);
    const row = free < 0 ? rowEnds.length : free; // names never lie over each other
    rowEnds[row] = end;
    ctx.fillText(name, x + 4 * scale, bbox.top + (12 + 13 * row) * scale);
  }
  ctx.restore();
}

function pick(chart: uPlot, props: TrendProps): void {
  const left = chart.cursor.left;
  if (props.onPick && left !== undefined && left >= 0) props.onPick(chart.posToVal(left, "x"));
}
