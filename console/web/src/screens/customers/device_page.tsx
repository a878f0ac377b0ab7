// One device: how it is now, and what was asked of it.

import { body, client } from "../../api/client";
import { useResource } from "../../api/resource";
import { kw, span, when } from "../../format";
import { Panel } from "../../parts/page";
import { Empty, Known } from "../../parts/states";
import { Status, Tile, Tiles } from "../../parts/status";
import { may } from "../../session";
import { t, type Text } from "../../words";
import { deviceText, REQUEST_STATES } from "../feeder/feeder_words";
import { customerHref, HEALTHS, protocolText, words, type DeviceRow } from "./customer_words";
import { deviceWords, differs, heardText, refusedText, reliability } from "./device_table";
import { Facts } from "./facts";
import { RequestsTable } from "./requests_table";

const own = {
  notYours: { en: "Your role does not show single devices on this feeder.", zh: "您的角色无权查看该馈线的设备详情。" },
  now: { en: "Now", zh: "当前" },
  rated: { en: "Rated power", zh: "额定功率" },
  least: { en: "Guaranteed minimum", zh: "保障功率" },
  reliability: { en: "Does as asked", zh: "履约概率" },
  until: (at: string): Text => ({ en: `until ${at}`, zh: `至 ${at}` }),
  told: { en: "Failsafe told", zh: "失联限值下发" },
  shown: { en: "Failsafe shown", zh: "失联限值自报" },
  holds: (time: string): Text => ({ en: `for ${time}`, zh: `保持 ${time}` }),
  guard: { en: "Between us and silence", zh: "守护状态" },
  about: { en: "About this device", zh: "设备信息" },
};
const GUARDS: Readonly<Record<string, Text>> = {
  init: { en: "just started, at its failsafe", zh: "刚启动，处于失联限值" },
  unlimited_controlled: { en: "hears us, not limited", zh: "通信正常，未限" },
  limited: { en: "hears us, limited", zh: "通信正常，受限" },
  failsafe: { en: "hears nothing, at its failsafe", zh: "失联，处于失联限值" },
  unlimited_autonomous: { en: "by itself, not limited", zh: "自主运行，未限" },
};
const EVERY_MS = 10_000;

/** For who may see customers: what is asked of a device tells of a household. */
export function DevicePage({ feeder, device }: { feeder: string; device: string }) {
  return may("customers", feeder) ? <Shown feeder={feeder} device={device} /> : <Empty>{t(own.notYours)}</Empty>;
}

function Shown({ feeder, device }: { feeder: string; device: string }) {
  const found = useResource(
    (signal) => body(client.GET("/api/v1/devices/{device}", { params: { path: { device }, query: { feeder } }, signal })),
    [feeder, device],
    EVERY_MS,
  );
  return (
    <Known of={found}>
      {(page) => (
        <>
          {page.excluded && (
            <p class="note warn">
              {t(words.excluded)} ({page.excluded})
            </p>
          )}
          <Now row={page.device} />
          <div class="grid">
            <About row={page.device} />
            <Panel title={words.requests} class="wide">
              <RequestsTable rows={page.requests} />
            </Panel>
          </div>
        </>
      )}
    </Known>
  );
}

function Now({ row }: { row: DeviceRow }) {
  const health = HEALTHS[row.health];
  const state = row.request_state ? REQUEST_STATES[row.request_state] : undefined;
  return (
    <section aria-label={t(own.now)}>
      <Tiles>
        <Tile label={t(words.health)} value={t(health.name)} tone={health.tone} note={t(health.told)} />
        <Tile label={t(deviceWords.heard)} value={heardText(row.heard_at)} note={when(row.heard_at)} />
        <Tile
          label={t(deviceWords.asked)}
          value={row.protected ? t(words.neverLimited) : row.asked_kw === null ? t(deviceWords.none) : kw(row.asked_kw)}
          note={row.asked_until ? `${state ? t(state.text) : ""} ${t(own.until(when(row.asked_until, false)))}` : undefined}
        />
        <Tile
          label={t(deviceWords.shown)}
          value={row.shown_kw === null ? t(deviceWords.none) : kw(row.shown_kw)}
          tone={differs(row) ? "warn" : "normal"}
          note={row.shown_request ?? undefined}
        />
        <Tile label={t(deviceWords.takes)} value={kw(row.p_kw)} />
        <Tile label={t(own.reliability)} value={reliability(row)} note={`${t(deviceWords.refused)}: ${refusedText(row)}`} />
      </Tiles>
    </section>
  );
}

function About({ row }: { row: DeviceRow }) {
  const failsafe = row.failsafe;
  const shown = failsafe?.shown_kw ?? null;
  return (
    <Panel title={own.about} class="wide">
      <Facts
        facts={[
          [words.kind, deviceText(row.kind)],
          [words.feeder, <a href={`#/feeders/${encodeURIComponent(row.feeder)}`}>{row.feeder}</a>],
          [words.servicePoint, row.service_point],
          [words.customer, row.customer ? <a href={customerHref(row.customer)}>{row.customer}</a> : "–"],
          [own.rated, kw(row.rated_kw)],
          [own.least, kw(row.min_kw)],
          [
            deviceWords.wire,
            <>
              {protocolText(row)} {row.link_connected === false && <Status tone="bad">{t(deviceWords.linkDown)}</Status>}
            </>,
          ],
          ...(failsafe
            ? ([
                [deviceWords.failsafe, `${kw(failsafe.declared_kw)} · ${t(failsafe.confirmed ? deviceWords.confirmed : deviceWords.notShown)}`],
                [own.told, when(failsafe.told_at)],
                [own.shown, shown === null ? t(deviceWords.notShown) : `${kw(shown)} ${failsafe.shown_s === null ? "" : t(own.holds(span(failsafe.shown_s)))}`],
                [own.guard, failsafe.state ? (GUARDS[failsafe.state] ? t(GUARDS[failsafe.state]!) : failsafe.state) : "–"],
              ] as const)
            : ([[deviceWords.failsafe, t(deviceWords.eventMode)]] as const)),
        ]}
      />
    </Panel>
  );
}
