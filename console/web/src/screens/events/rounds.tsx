// Why: each round of planning with who was asked and what that does, and who was left alone for which reason.

import { boundKw, kw, plain, when, withUnit } from "../../format";
import { Panel } from "../../parts/page";
import { Empty } from "../../parts/states";
import { Table, type Column } from "../../parts/table";
import { t, type Text } from "../../words";
import { targetColumns } from "../feeder/target_columns";
import type { EventBody, Round } from "./bodies";
import { comma, elementText, figureText, gateReasonText, isBus, nameText, reasonText, stop } from "./event_words";

type Asked = Round["asked"][number];
const words = {
  title: { en: "Decisions and their reasons", zh: "决策及其依据" },
  none: { en: "Nobody was asked for anything.", zh: "未向任何对象发出请求。" },
  round: (n: number): Text => ({ en: `Round ${n}`, zh: `第 ${n} 轮` }),
  because: (element: string, value: string, limit: string): Text => ({
    en: `${element} at ${value}, limit ${limit}`,
    zh: `${element} ${value}，限值 ${limit}`,
  }),
  expected: (element: string, value: string): Text => ({
    en: `${element} expected at ${value}`,
    zh: `预计 ${element} 达到 ${value}`,
  }),
  asked: (n: number, cut: string): Text => ({ en: `${n} asked for ${cut} less`, zh: `向 ${n} 个对象请求共削减 ${cut}` }),
  share: { en: "Causes", zh: "贡献占比" },
  effect: { en: "Per kW", zh: "每 kW 影响" },
  before: { en: "Took", zh: "原功率" },
  limit: { en: "May take", zh: "限值" },
  floor: { en: "Guaranteed", zh: "保证最小" },
  cut: { en: "Less", zh: "削减" },
  left: { en: "Left alone", zh: "未调用" },
  leftUnknown: { en: "Who was left alone was not noted at that time.", zh: "当时未记录未调用的设备。" },
  more: (more: number, all: number): Text => ({ en: `and ${more} more`, zh: `等共 ${all} 台` }),
  gate: (reasons: string): Text => ({ en: `Held back by the last gate: ${reasons}`, zh: `被安全校核拦截：${reasons}` }),
};

export function Rounds({ event }: { event: EventBody }) {
  const { rounds } = event;
  return (
    <Panel title={words.title}>
      {rounds.length === 0 && <Empty>{t(words.none)}</Empty>}
      {rounds.map((round, place) => (
        <OneRound key={round.at} round={round} number={place + 1} isOpen={place === 0} />
      ))}
    </Panel>
  );
}

function OneRound({ round, number, isOpen }: { round: Round; number: number; isOpen: boolean }) {
  const why = round.expected
    ? words.expected(elementText(round.element), figureText(round.element, round.value, round.limit))
    : words.because(elementText(round.element), figureText(round.element, round.value, round.limit), figureText(round.element, round.limit));
  return (
    <details class="phase" open={isOpen}>
      <summary>
        <h3>{t(words.round(number))}</h3> <time dateTime={round.at}>{when(round.at)}</time> {t(why)}
        {stop()} {t(words.asked(round.asked.length, kw(round.cut_kw)))}
      </summary>
      <Table caption={words.round(number)} columns={columns(round.element)} rows={round.asked} id={(row) => row.request} class="round" />
      <LeftAlone round={round} />
      {round.gate_refused.length > 0 && (
        <p class="small">
          {t(words.gate(gateText(round)))}
        </p>
      )}
    </details>
  );
}

function gateText(round: Round): string {
  const pairs = round.gate_refused as unknown as readonly (readonly [string, number])[];
  return pairs.map(([reason, count]) => `${gateReasonText(reason)} ×${count}`).join(comma());
}

function LeftAlone({ round }: { round: Round }) {
  if (round.left === null) return <p class="muted small">{t(words.leftUnknown)}</p>;
  if (round.left.length === 0) return null;
  return (
    <div class="left-alone">
      <h4>{t(words.left)}</h4>
      <ul>
        {round.left.map((left) => (
          <li key={left.reason}>
            <strong>{plain(left.count)}</strong> {reasonText(left.reason)} <span class="muted small">{namesOf(left)}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}

const MOST_NAMES = 8;

/** The first of them, and how many more there are. */
function namesOf(left: NonNullable<Round["left"]>[number]): string {
  const named = left.devices.slice(0, MOST_NAMES);
  if (named.length === 0) return ""; // not for who may not see customers
  const names = named.join(comma());
  return left.count > named.length ? `${names} ${t(words.more(left.count - named.length, left.count))}` : names;
}

const columns = (element: string): readonly Column<Asked>[] => [
  ...targetColumns<Asked>(nameText),
  {
    key: "share",
    name: words.share,
    isFigure: true,
    cell: (row) => withUnit(row.share_percent, "%", 1),
    order: (row) => row.share_percent,
  },
  {
    key: "effect",
    name: words.effect,
    isFigure: true,
    cell: (row) => (isBus(element) ? withUnit(row.effect_per_kw, "pu", 5) : withUnit(row.effect_per_kw, "%", 2)),
    order: (row) => row.effect_per_kw,
  },
  { key: "before", name: words.before, isFigure: true, cell: (row) => boundKw(row.p_before_kw, row.direction), order: (row) => row.p_before_kw },
  { key: "limit", name: words.limit, isFigure: true, cell: (row) => boundKw(row.limit_kw, row.direction), order: (row) => row.limit_kw },
  { key: "floor", name: words.floor, isFigure: true, cell: (row) => boundKw(row.floor_kw, row.direction), order: (row) => row.floor_kw },
  { key: "cut", name: words.cut, isFigure: true, cell: (row) => kw(row.cut_kw), order: (row) => row.cut_kw },
];
