// How many alarms there are, against what an operator can take in (EEMUA 191, ISA-18.2).

import { useEffect, useMemo, useState } from "preact/hooks";
import { body, client } from "../../api/client";
import type { paths } from "../../api/schema";
import { useResource } from "../../api/resource";
import { percent, plain, when } from "../../format";
import { Choice } from "../../parts/field";
import { Panel } from "../../parts/page";
import { Empty, Known } from "../../parts/states";
import { Tile, Tiles, type Tone } from "../../parts/status";
import { Table, type Column } from "../../parts/table";
import { Trend, type Line, type Mark } from "../../parts/trend";
import { t, type Text } from "../../words";
import { alarmsVersion } from "./alarm_store";
import { nameOf, words } from "./alarm_words";
import { PriorityMark } from "./priority_mark";

type RateBody = paths["/api/v1/alarms/rate"]["get"]["responses"][200]["content"]["application/json"];
type BadActor = RateBody["bad_actors"][number];
type Share = RateBody["priorities"][number];

const own = {
  hours: { en: "Over", zh: "统计时段" },
  average: { en: "Average in 10 min", zh: "每十分钟平均" },
  hour: { en: "By operator and hour", zh: "每席每小时" },
  day: { en: "By operator and day", zh: "每席每天" },
  most: { en: "Most in ten minutes", zh: "十分钟内最多" },
  flood: { en: "Time in flood", zh: "泛滥时间占比" },
  stale: { en: "Stand for over a day", zh: "持续超过一天" },
  goal: (goal: string): Text => ({ en: `goal: at most ${goal}`, zh: `目标：不超过 ${goal}` }),
  alarms: { en: "alarms", zh: "条" },
  /** Short: it stands at each figure of the axis, below the heading that says what of. */
  unit: { en: "×", zh: "条" },
  chart: { en: "Alarms in ten minutes", zh: "每十分钟告警数" },
  perOperator: (count: number): Text => ({
    en: `${count} operators share them; the lines are for all of them together.`,
    zh: `由 ${count} 个席位分担；图中界线按全部席位合计。`,
  }),
  counted: (at: string): Text => ({
    en: `Counted from ${at}, without what was shelved; the latest ten minutes are not over.`,
    zh: `统计自 ${at} 起，不含已搁置告警；最近十分钟尚未结束。`,
  }),
  acceptable: { en: "Acceptable", zh: "可接受" },
  manageable: { en: "Manageable", zh: "可应对上限" },
  floodLine: { en: "Flood", zh: "泛滥" },
  bad: { en: "Those that come most", zh: "最频繁告警" },
  noneBad: { en: "No alarm came in this time.", zh: "该时段内没有告警。" },
  count: { en: "Times", zh: "次数" },
  share: { en: "Share", zh: "占比" },
  priorities: { en: "By priority", zh: "按优先级" },
  goalShare: { en: "Goal", zh: "目标" },
  chattering: { en: "Come and go", zh: "频繁抖动" },
  verdicts: {
    acceptable: { en: "acceptable", zh: "可接受" },
    manageable: { en: "can be managed", zh: "尚可应对" },
    overloaded: { en: "more than can be managed", zh: "超出应对能力" },
  },
};
const SPANS = [
  { value: "8", name: { en: "8 h", zh: "8 小时" } },
  { value: "24", name: { en: "24 h", zh: "24 小时" } },
  { value: "168", name: { en: "7 d", zh: "7 天" } },
] as const;
const TONES: Readonly<Record<RateBody["verdict"], Tone>> = { acceptable: "normal", manageable: "warn", overloaded: "bad" };
const MOST_STALE = 5;
const STEP_S = 600;

export function Rate() {
  const [hours, setHours] = useState<(typeof SPANS)[number]["value"]>("24");
  const rate = useResource(
    (signal) => body(client.GET("/api/v1/alarms/rate", { signal, params: { query: { hours: Number(hours) } } })),
    [hours],
    60_000,
  );
  useEffect(rate.reload, [alarmsVersion.value]);
  return (
    <Panel title={words.rate} tools={<Choice label={own.hours} value={hours} options={SPANS} onChange={setHours} />}>
      <Known of={rate}>
        {(found) => (
          <>
            <Figures rate={found} />
            <Chart rate={found} />
            <div class="grid">
              <Panel title={own.bad}>
                {found.bad_actors.length ? (
                  <Table caption={own.bad} columns={BAD} rows={found.bad_actors} id={(one) => one.alarm} />
                ) : (
                  <Empty>{t(own.noneBad)}</Empty>
                )}
              </Panel>
              <Panel title={own.priorities}>
                <Table caption={own.priorities} columns={SHARES} rows={found.priorities} id={(one) => one.priority} />
              </Panel>
            </div>
          </>
        )}
      </Known>
    </Panel>
  );
}

const BAD: readonly Column<BadActor>[] = [
  { key: "name", name: words.alarm, cell: nameOf },
  { key: "feeder", name: words.feeder, cell: (one) => one.feeder ?? t(words.site) },
  { key: "count", name: own.count, cell: (one) => plain(one.count), isFigure: true },
  { key: "share", name: own.share, cell: (one) => percent(one.share_percent), isFigure: true },
];
const SHARES: readonly Column<Share>[] = [
  { key: "priority", name: words.priority, cell: (one) => <PriorityMark priority={one.priority} isQuiet /> },
  { key: "share", name: own.share, cell: (one) => percent(one.share_percent), isFigure: true },
  { key: "goal", name: own.goalShare, cell: (one) => percent(one.goal_percent), isFigure: true },
];

function Figures({ rate }: { rate: RateBody }) {
  const count = (value: number, digits = 0): string => `${plain(value, digits)} ${t(own.alarms)}`;
  const target = rate.targets[0];
  return (
    <Tiles>
      <Tile
        label={t(own.average)}
        value={count(rate.per_ten_minutes, 2)}
        tone={TONES[rate.verdict]}
        note={`${t(own.verdicts[rate.verdict])}; ${t(own.goal(plain(target?.per_ten_minutes)))}`}
      />
      <Tile label={t(own.hour)} value={count(rate.per_operator_hour, 1)} note={t(own.goal(plain(target?.per_hour)))} />
      <Tile label={t(own.day)} value={count(rate.per_operator_day)} note={t(own.goal(plain(target?.per_day)))} />
      <Tile
        label={t(own.most)}
        value={count(rate.most_in_ten_minutes)}
        tone={rate.most_in_ten_minutes > rate.flood_above ? "warn" : "normal"}
        note={t(own.goal(plain(rate.flood_above)))}
      />
      <Tile
        label={t(own.flood)}
        value={percent(rate.in_flood_percent)}
        tone={rate.in_flood_percent > 1 ? "warn" : "normal"}
        note={t(own.goal(percent(1)))}
      />
      <Tile
        label={t(own.stale)}
        value={count(rate.stale.length)}
        tone={rate.stale.length >= MOST_STALE ? "warn" : "normal"}
        note={t(own.goal(plain(MOST_STALE - 1)))}
      />
      <Tile
        label={t(own.chattering)}
        value={count(rate.chattering.length)}
        tone={rate.chattering.length ? "warn" : "normal"}
        note={t(own.goal(plain(0)))}
      />
    </Tiles>
  );
}

const LINES: readonly Line[] = [{ name: own.chart, colour: "--control", isStepped: true, isFilled: true }];

function Chart({ rate }: { rate: RateBody }) {
  const data = useMemo(() => series(rate), [rate]);
  const marks = useMemo((): readonly Mark[] => [
    ...rate.targets.map((target) => ({
      name: target.name === "acceptable" ? own.acceptable : own.manageable,
      value: target.per_ten_minutes * rate.operators,
      colour: target.name === "acceptable" ? "--muted" : "--high",
    })),
    { name: own.floodLine, value: rate.flood_above, colour: "--over" },
  ], [rate]);
  const said = `${t(own.chart)}: ${plain(rate.alarms)} ${t(own.alarms)}, ${t(own.most)} ${plain(rate.most_in_ten_minutes)}`;
  return (
    <div>
      <h3>{t(own.chart)}</h3>
      <p class="muted small">{t(own.counted(when(rate.start, false)))}</p>
      {rate.operators > 1 && <p class="muted small">{t(own.perOperator(rate.operators))}</p>}
      <Trend summary={said} unit={t(own.unit)} lines={LINES} data={data} marks={marks} height={250} />
    </div>
  );
}

/** Every ten minutes of the time, those without an alarm as 0. */
function series(rate: RateBody): [number[], number[]] {
  const known = new Map(rate.points.map((one) => [Date.parse(one.at) / 1000, one.critical + one.high + one.medium + one.low]));
  const times: number[] = [];
  const counts: number[] = [];
  const start = Date.parse(rate.start) / 1000;
  for (let at = Math.floor(start / STEP_S) * STEP_S; at < Date.parse(rate.end) / 1000; at += STEP_S) {
    times.push(Math.max(at, start));
    counts.push(known.get(at) ?? 0);
  }
  times.push(Date.parse(rate.end) / 1000); // so that the latest ten minutes have a width
  counts.push(counts.at(-1) ?? 0);
  return [times, counts];
}
