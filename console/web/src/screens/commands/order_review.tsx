// A draft as it is confirmed: what it would do, who must agree, and until when.

import { useEffect, useRef, useState } from "preact/hooks";
import { useCommandKey } from "../../api/command_key";
import { useResource } from "../../api/resource";
import { siteNowMs, when } from "../../format";
import { announce } from "../../parts/announce";
import { Known } from "../../parts/states";
import { Status } from "../../parts/status";
import { who } from "../../session";
import { t, type Text } from "../../words";
import { Effect } from "./effect";
import { confirmOrder, fetchOrder, withdrawOrder, type Order } from "./order_api";
import { refreshOrders } from "./order_store";
import { giver, left, meaning, progress, STATES, whyOf } from "./order_words";
import { cannotText, isToBeSeenAgain, reasonText, refusalText } from "./refusal_words";

const words = {
  by: (who: string, why: string): Text => ({ en: `${who}: ${why}`, zh: `${who}：${why}` }),
  notForeseen: { en: "Its effect cannot be foreseen now.", zh: "目前无法预计其效果。" },
  until: (at: string, left: string): Text => ({ en: `To be confirmed by ${at}, ${left} left`, zh: `须在 ${at} 前确认，剩余 ${left}` }),
  persons: (agreed: number, needed: number): Text => ({
    en: `${agreed} of ${needed} persons have agreed`,
    zh: `双人确认：${needed} 人中已有 ${agreed} 人同意`,
  }),
  another: { en: "You have agreed. Another person must confirm it.", zh: "您已同意，须由另一人确认。" },
  mayNot: (why: string): Text => ({ en: `You cannot confirm this: ${why}`, zh: `您无法确认：${why}` }),
  confirm: { en: "Confirm", zh: "确认执行" },
  agree: { en: "Agree", zh: "同意" },
  withdraw: { en: "Withdraw", zh: "撤回" },
  withdrawn: { en: "withdrawn before it was confirmed", zh: "确认前撤回" },
  close: { en: "Close", zh: "关闭" },
  leave: { en: "Leave it waiting", zh: "保留待确认" },
  done: { en: "The order is carried out.", zh: "指令已执行。" },
  noted: { en: "Your agreement is noted.", zh: "已记录您的同意。" },
  lookAgain: { en: "Look at the effect, then confirm again.", zh: "请查看预计效果后再次确认。" },
  over: (state: string, reason: string): Text => ({
    en: `This order is ${state}${reason && `: ${reason}`}.`,
    zh: `该指令${state}${reason && `：${reason}`}。`,
  }),
};
const POLL_MS = 2_000;

export function Review({ draft, onClose }: { draft: string; onClose: () => void }) {
  const found = useResource((signal) => fetchOrder(draft, signal), [draft], POLL_MS);
  return <Known of={found}>{(order) => <Shown order={order} reload={found.reload} onClose={onClose} />}</Known>;
}

interface ShownProps {
  order: Order;
  reload: () => void;
  onClose: () => void;
}

function Shown({ order, reload, onClose }: ShownProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  const [note, setNote] = useState<string | null>(null);
  const { isBusy, send } = useCommandKey();
  // what is confirmed is the effect that was in view, not one that came a moment ago
  const [seen, setSeen] = useState(order.effect_number);
  useEffect(() => heading.current?.focus(), []);
  const after = (said: string | null): void => {
    setNote(said);
    refreshOrders();
    reload();
  };
  const confirm = (): void =>
    send(["confirm", seen], (headers) => confirmOrder(order.order, seen, headers), {
      done: (told) => {
        announce(t(told.state === "carried_out" ? words.done : words.noted));
        after(null);
      },
      failed: (error) => {
        const again = isToBeSeenAgain(error);
        after(again ? `${refusalText(error)} ${t(words.lookAgain)}` : refusalText(error));
        if (again) setSeen(-1);
      },
    });
  const withdraw = (): void =>
    send(["withdraw"], (headers) => withdrawOrder(order.order, t(words.withdrawn), headers), {
      done: () => {
        refreshOrders();
        onClose();
      },
      failed: (error) => after(refusalText(error)),
    });
  useEffect(() => {
    if (seen < 0) setSeen(order.effect_number);
  }, [order]);
  const isOpen = order.state === "open";
  return (
    <div class="form">
      <h3 tabIndex={-1} ref={heading}>
        {meaning(order)}
      </h3>
      <p>{t(words.by(giver(order), whyOf(order)))}</p>
      {isOpen && (order.effect ? <Effect effect={order.effect} /> : order.action !== "more_reach" && <NotForeseen />)}
      {isOpen ? <Standing order={order} /> : <Ended order={order} />}
      {note !== null && isOpen && (
        <p class="note warn" role="alert">
          {note}
        </p>
      )}
      <div class="row end">
        {isOpen && (
          <button type="button" disabled={isBusy} onClick={withdraw}>
            {t(words.withdraw)}
          </button>
        )}
        <button type="button" onClick={onClose}>
          {t(isOpen ? words.leave : words.close)}
        </button>
        {isOpen && order.may_confirm && (
          <button type="button" class="primary" disabled={isBusy || seen < 0} onClick={confirm}>
            {t(isLast(order) ? words.confirm : words.agree)}
          </button>
        )}
      </div>
    </div>
  );
}

/** Whether it is carried out with the next agreement. */
const isLast = (order: Order): boolean => order.needed <= 1 || order.agreed.length + 1 >= order.needed;

function NotForeseen() {
  return (
    <p>
      <Status tone="warn">{t(words.notForeseen)}</Status>
    </p>
  );
}

function Standing({ order }: { order: Order }) {
  const me = who.value?.name ?? "";
  const hasAgreed = order.needed > 1 && order.agreed.some((one) => one.toLowerCase() === me.toLowerCase());
  return (
    <>
      {order.needed > 1 && <p>{t(words.persons(order.agreed.length, order.needed))}</p>}
      <p class="muted">{t(words.until(when(order.expires_at), left(order, siteNowMs.value)))}</p>
      {!order.may_confirm &&
        (hasAgreed ? (
          <p>
            <Status tone="info">{t(words.another)}</Status>
          </p>
        ) : (
          <p>{t(words.mayNot(cannotText(order)))}</p>
        ))}
    </>
  );
}

function Ended({ order }: { order: Order }) {
  if (order.state === "carried_out") {
    return (
      <p role="status">
        <Status tone="good">{t(words.done)}</Status> {progress(order)}
      </p>
    );
  }
  const { tone, name } = STATES[order.state];
  return (
    <p role="status">
      <Status tone={tone}>{t(words.over(t(name), reasonText(order)))}</Status>
    </p>
  );
}
