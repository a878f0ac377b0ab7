// The feeder in six figures.

import { kw, percent, perUnit, plain, when } from "../../format";
import { nameOf, type Layout } from "../../parts/network/layout";
import { Tile, Tiles, type Tone } from "../../parts/status";
import { t, type Text } from "../../words";
import { TONES } from "./feeder_words";
import type { LiveFeeder } from "./live_feeder";
import { worstLoaded } from "./worst";

const words = {
  highest: { en: "Highest loading", zh: "最高负载率" },
  voltages: { en: "Lowest and highest voltage", zh: "最低与最高电压" },
  outside: { en: "Outside their limits", zh: "越限元件" },
  none: { en: "none", zh: "无" },
  event: { en: "Event", zh: "事件" },
  noEvent: { en: "none running", zh: "无进行中的事件" },
  running: (since: string, curtailed: string): Text => ({
    en: `since ${since}, ${curtailed} taken away`,
    zh: `自 ${since} 起，已削减 ${curtailed}`,
  }),
  requests: (n: number): Text => ({ en: n === 1 ? "1 request" : `${n} requests`, zh: `${n} 个请求` }),
  data: { en: "Data", zh: "数据质量" },
  measured: { en: "measured", zh: "实测" },
  rest: (stale: number, estimated: number): Text => ({
    en: `${stale} stale, ${estimated} estimated`,
    zh: `${stale} 个过期，${estimated} 个估算`,
  }),
  automatic: { en: "Automatic", zh: "自动控制" },
  isOn: { en: "on", zh: "投入" },
  isOff: { en: "off", zh: "退出" },
  notConverged: { en: "no load flow solution", zh: "潮流不收敛" },
  ofLimit: (limit: string): Text => ({ en: `limit ${limit}`, zh: `限值 ${limit}` }),
};

export function Summary({ layout, live }: { layout: Layout; live: LiveFeeder }) {
  const { now, figures } = live;
  const [worst] = worstLoaded(layout, figures, 1);
  return (
    <Tiles>
      <Tile
        label={t(words.highest)}
        value={now.converged ? percent(worst?.percent, worst?.limit) : t(words.notConverged)}
        tone={now.converged ? (worst ? TONES[worst.tone].tone : "off") : "bad"}
        note={worst && `${nameOf(layout, worst.id)}, ${t(words.ofLimit(percent(worst.limit)))}`}
      />
      <VoltageTile layout={layout} live={live} />
      <Tile
        label={t(words.outside)}
        value={now.violations.length || t(words.none)}
        tone={now.violations.length ? "bad" : "normal"}
        note={now.violations[0] && nameOf(layout, now.violations[0].id)}
      />
      <EventTile live={live} />
      <DataTile live={live} />
      <Tile
        label={t(words.automatic)}
        value={t(now.automatic ? words.isOn : words.isOff)}
        tone={now.automatic ? "normal" : "warn"}
        note={now.by_hand && `${now.by_hand.who}: ${now.by_hand.why}`}
      />
    </Tiles>
  );
}

function VoltageTile({ layout, live }: { layout: Layout; live: LiveFeeder }) {
  let [low, high]: [number | null, number | null] = [null, null];
  let tone: Tone = "normal";
  live.figures.v.forEach((v, bus) => {
    if (v === null) return;
    if (low === null || v < low) low = v;
    if (high === null || v > high) high = v;
    if (v < (layout.buses.min_v_pu[bus] ?? 0) || v > (layout.buses.max_v_pu[bus] ?? Infinity)) tone = "bad";
  });
  return <Tile label={t(words.voltages)} value={`${plain(low, 3)}–${perUnit(high)}`} tone={low === null ? "off" : tone} />;
}

function EventTile({ live }: { live: LiveFeeder }) {
  const event = live.now.event;
  const isRunning = event !== null && event.closed_at === null;
  if (!isRunning) return <Tile label={t(words.event)} value={t(words.noEvent)} />;
  return (
    <Tile
      label={t(words.event)}
      value={<a href={`#/events/${encodeURIComponent(event.event)}`}>{t(words.requests(event.requests))}</a>}
      tone="warn"
      note={t(words.running(when(event.opened_at, false), kw(event.curtailed_kw)))}
    />
  );
}

function DataTile({ live }: { live: LiveFeeder }) {
  const { measured, stale, estimated, alarm } = live.now.quality;
  const all = measured + stale + estimated;
  return (
    <Tile
      label={t(words.data)}
      value={`${percent(all ? (100 * measured) / all : null)} ${t(words.measured)}`}
      tone={alarm ? "bad" : "normal"}
      note={alarm ?? t(words.rest(stale, estimated))}
    />
  );
}

