// One event: what it came to, how it went on over time, why each decision, and what each request led to.

import { useEffect, useState } from "preact/hooks";
import { useResource } from "../../api/resource";
import { kwh, money, plain, siteNowMs, span, when } from "../../format";
import { Page } from "../../parts/page";
import { Known } from "../../parts/states";
import { Status, Tile } from "../../parts/status";
import { t, type Text } from "../../words";
import { kindText } from "../feeder/feeder_words";
import { fetchEvent, requestsOf, type EventBody } from "./bodies";
import { elementText, figureText, stateOf } from "./event_words";
import { Exports } from "./exports";
import { Replay } from "./replay";
import { Requests } from "./requests";
import { Rounds } from "./rounds";
import { Timeline } from "./timeline";

const words = {
  title: (feeder: string, at: string): Text => ({ en: `Event on ${feeder}, ${at}`, zh: `${feeder} 事件，${at}` }),
  all: { en: "All events", zh: "全部事件" },
  loading: { en: "Event", zh: "事件" },
  state: { en: "State", zh: "状态" },
  cause: { en: "Cause", zh: "起因" },
  peak: { en: "Peak", zh: "最高负载率" },
  lasted: { en: "Lasted", zh: "持续" },
  asked: { en: "Asked", zh: "请求" },
  devices: (devices: number, people: number): Text => ({
    en: `${devices} devices, ${people} people`,
    zh: `设备 ${devices} 台，用户 ${people} 户`,
  }),
  notDone: (n: number): Text => ({ en: `${n} not done`, zh: `${n} 个未执行` }),
  proven: { en: "Proven by meters", zh: "电表核实削减" },
  settled: (n: number, of: number): Text => ({ en: `${n} of ${of} settled`, zh: `已结算 ${n} / ${of}` }),
  credited: { en: "Credited", zh: "奖励" },
  points: (n: string): Text => ({ en: `${n} points`, zh: `${n} 积分` }),
  disputes: (n: number): Text => ({ en: `${n} disputes open`, zh: `${n} 项争议未决` }),
  id: { en: "Number", zh: "编号" },
};
const EVERY_MS = 15_000;

export function EventPage({ id }: { id: string }) {
  const [isOver, setOver] = useState(false);
  const event = useResource((signal) => fetchEvent(id, signal), [id], isOver ? undefined : EVERY_MS);
  const summary = event.data?.summary;
  useEffect(() => setOver(summary !== undefined && isSettled(summary)), [summary]);
  const title = summary ? words.title(summary.feeder, when(summary.opened_at, false)) : words.loading;
  return (
    <Page title={title} tools={<Tools id={id} feeder={summary?.feeder} />}>
      <Known of={event}>{(known) => <Whole event={known} />}</Known>
    </Page>
  );
}

/** Nothing comes after that but corrections, months later. */
const isSettled = (row: EventBody["summary"]): boolean =>
  row.closed_at !== null && row.settled >= row.devices + row.people && row.open_disputes === 0;

function Tools({ id, feeder }: { id: string; feeder: string | undefined }) {
  return (
    <>
      <a href="#/events">{t(words.all)}</a>
      {feeder !== undefined && <Exports id={id} feeder={feeder} />}
    </>
  );
}

/** On paper all is told. */
function useAllOpenOnPaper(): void {
  useEffect(() => {
    const open = (): void => document.querySelectorAll("details.phase").forEach((part) => part.setAttribute("open", ""));
    addEventListener("beforeprint", open);
    return () => removeEventListener("beforeprint", open);
  }, []);
}

function Whole({ event }: { event: EventBody }) {
  useAllOpenOnPaper();
  return (
    <>
      <Summary event={event} />
      <Replay event={event} />
      <Timeline event={event} />
      <Rounds event={event} />
      <Requests rows={requestsOf(event)} />
    </>
  );
}

function Summary({ event }: { event: EventBody }) {
  const row = event.summary;
  const state = stateOf(row);
  const asked = row.devices + row.people;
  const lastedS = ((row.closed_at ? Date.parse(row.closed_at) : siteNowMs.value) - Date.parse(row.opened_at)) / 1000;
  return (
    <dl class="tiles">
      <Tile
        label={t(words.state)}
        value={<Status tone={state.tone}>{t(state.text)}</Status>}
        note={
          <>
            {t(words.id)} {row.event}
          </>
        }
      />
      <Tile
        label={t(words.cause)}
        value={elementText(row.element)}
        note={`${kindText(row.kind)}: ${figureText(row.element, row.value, row.limit)} / ${figureText(row.element, row.limit)}`}
      />
      <Tile label={t(words.peak)} value={figureText("", row.peak_percent)} />
      <Tile label={t(words.lasted)} value={span(lastedS)} />
      <Tile
        label={t(words.asked)}
        value={plain(asked)}
        note={
          <>
            {t(words.devices(row.devices, row.people))}
            {row.not_done > 0 && <Status tone="warn"> {t(words.notDone(row.not_done))}</Status>}
          </>
        }
      />
      <Tile label={t(words.proven)} value={kwh(row.reduced_kwh)} note={t(words.settled(row.settled, asked))} />
      <Tile
        label={t(words.credited)}
        value={t(words.points(plain(row.points)))}
        note={
          <>
            {moneyText(row.minor_units, event.currency)}
            {row.open_disputes > 0 && <Status tone="warn"> {t(words.disputes(row.open_disputes))}</Status>}
          </>
        }
      />
    </dl>
  );
}

/** The currency may be told as its smallest unit: "EUR-cent". */
export const moneyText = (minorUnits: number, currency: string): string => money(minorUnits, currency.split("-")[0] ?? currency);
