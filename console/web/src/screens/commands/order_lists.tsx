// The orders that wait to be confirmed, and the latest with what became of them.

import { useState } from "preact/hooks";
import { percent, siteNowMs, when } from "../../format";
import { Panel } from "../../parts/page";
import { Empty, Loading, ProblemNote, StaleNote } from "../../parts/states";
import { Status } from "../../parts/status";
import { Table, type Column } from "../../parts/table";
import { t, type Text } from "../../words";
import { DraftDialog } from "./order_dialog";
import type { Order } from "./order_api";
import { FEW, orders, ordersProblem, refreshOrders, waiting, wantMore } from "./order_store";
import { giver, left, meaning, named, progress, STATES, whyOf } from "./order_words";
import { reasonText } from "./refusal_words";

const words = {
  waiting: { en: "Waiting to be confirmed", zh: "待确认指令" },
  noneWaits: { en: "No order waits.", zh: "没有待确认的指令。" },
  latest: { en: "Latest orders", zh: "最近指令" },
  noneLatest: { en: "No order was given yet.", zh: "尚无指令。" },
  what: { en: "Order", zh: "指令" },
  feeder: { en: "Feeder", zh: "馈线" },
  who: { en: "By", zh: "操作人" },
  why: { en: "Reason", zh: "原因" },
  left: { en: "Time left", zh: "剩余时间" },
  persons: { en: "Persons", zh: "人数" },
  ofNeeded: (agreed: number, needed: number): Text => ({ en: `${agreed} of ${needed} agreed`, zh: `${agreed}/${needed} 已同意` }),
  loading: { en: "Highest loading", zh: "最高负载率" },
  forMe: { en: "for you", zh: "待您确认" },
  look: { en: "Look and confirm …", zh: "查看并确认……" },
  todo: { en: "To do", zh: "操作" },
  lookOnly: { en: "Look …", zh: "查看……" },
  at: { en: "At", zh: "时间" },
  outcome: { en: "Outcome", zh: "结果" },
  holds: { en: "holds", zh: "生效中" },
  and: (said: string): Text => ({ en: `: ${said}`, zh: `：${said}` }),
  agreedBy: (names: string): Text => ({ en: `agreed: ${names}`, zh: `同意：${names}` }),
  more: { en: "Show more", zh: "显示更多" },
};

export function WaitingPanel() {
  const [opened, setOpened] = useState<Order | null>(null);
  const open = waiting.value;
  return (
    <Panel title={words.waiting} class="wide">
      {orders.value === null ? (
        <Missing />
      ) : (
        <>
          {ordersProblem.value !== undefined && <StaleNote problem={ordersProblem.value} again={refreshOrders} />}
          {open.length === 0 ? (
            <Empty>{t(words.noneWaits)}</Empty>
          ) : (
            <Table caption={words.waiting} columns={waitingColumns(setOpened)} rows={open} id={(order) => order.order} isMarked={(order) => order.may_confirm} />
          )}
        </>
      )}
      {opened && <DraftDialog draft={opened.order} feeder={opened.feeders[0] ?? ""} onClose={() => setOpened(null)} />}
    </Panel>
  );
}

function Missing() {
  return ordersProblem.value === undefined ? <Loading /> : <ProblemNote problem={ordersProblem.value} again={refreshOrders} />;
}

const waitingColumns = (onOpen: (order: Order) => void): readonly Column<Order>[] => [
  { key: "feeder", name: words.feeder, cell: (order) => named(order.feeders) },
  { key: "what", name: words.what, cell: (order) => <span class="commands-what">{meaning(order)}</span> },
  { key: "who", name: words.who, cell: giver },
  { key: "why", name: words.why, cell: (order) => <span class="commands-why">{whyOf(order)}</span> },
  {
    key: "loading",
    name: words.loading,
    isFigure: true,
    cell: (order) => (order.before_percent == null ? "" : `${percent(order.before_percent)} → ${percent(order.after_percent)}`),
  },
  {
    key: "persons",
    name: words.persons,
    cell: (order) => (
      <>
        {order.needed > 1 && <>{t(words.ofNeeded(order.agreed.length, order.needed))} </>}
        {order.may_confirm && <Status tone="warn">{t(words.forMe)}</Status>}
      </>
    ),
  },
  { key: "left", name: words.left, isFigure: true, cell: (order) => left(order, siteNowMs.value) },
  {
    key: "look",
    name: words.todo,
    cell: (order) => (
      <button type="button" class={order.may_confirm ? "primary" : undefined} onClick={() => onOpen(order)}>
        {t(order.may_confirm ? words.look : words.lookOnly)}
      </button>
    ),
  },
];

export function LatestPanel() {
  const known = orders.value;
  const over = known?.items.filter((order) => order.state !== "open") ?? [];
  return (
    <Panel title={words.latest} class="wide">
      {known === null ? (
        <Missing />
      ) : over.length === 0 ? (
        <Empty>{t(words.noneLatest)}</Empty>
      ) : (
        <>
          <Table caption={words.latest} columns={LATEST} rows={over} id={(order) => order.order} />
          {known.next !== null && known.items.length <= FEW && (
            <div class="row">
              <button type="button" onClick={wantMore}>
                {t(words.more)}
              </button>
            </div>
          )}
        </>
      )}
    </Panel>
  );
}

const LATEST: readonly Column<Order>[] = [
  { key: "at", name: words.at, order: (order) => order.at, cell: (order) => when(order.closed_at ?? order.at) },
  { key: "feeder", name: words.feeder, order: (order) => order.feeders[0] ?? "", cell: (order) => named(order.feeders) },
  { key: "what", name: words.what, cell: (order) => <span class="commands-what">{meaning(order)}</span> },
  {
    key: "who",
    name: words.who,
    order: (order) => order.who,
    cell: (order) => {
      const others = order.confirmed.filter((one) => one !== order.who);
      return (
        <>
          {giver(order)}
          {others.length > 0 && <span class="muted"> ({t(words.agreedBy([...new Set(others)].join(", ")))})</span>}
        </>
      );
    },
  },
  { key: "why", name: words.why, cell: (order) => <span class="commands-why">{whyOf(order)}</span> },
  {
    key: "outcome",
    name: words.outcome,
    order: (order) => order.state,
    cell: (order) => {
      const { tone, name } = STATES[order.state];
      const said = order.state === "carried_out" ? progress(order) : reasonText(order);
      if (order.held.length > 0) return <Status tone="bad">{`${t(words.holds)}: ${named(order.held)}`}</Status>;
      return (
        <>
          <Status tone={tone}>{t(name)}</Status>
          <span class="muted">{said ? t(words.and(said)) : ""}</span>
        </>
      );
    },
  },
];
