// What orders are called, and what became of them, in both languages.

import { kw, NOTHING, span, when } from "../../format";
import type { Tone } from "../../parts/status";
import { t, type Text } from "../../words";
import type { Action, Order } from "./order_api";

export const ACTION_NAMES: Readonly<Record<Action, Text>> = {
  limit: { en: "Limit by hand", zh: "手动限功率" },
  release: { en: "Release one", zh: "释放单个对象" },
  release_all: { en: "Release everybody", zh: "全部释放" },
  exclude: { en: "Exclude from requests", zh: "退出调控" },
  include: { en: "Include again", zh: "恢复参与" },
  automatic_off: { en: "Automatic off", zh: "退出自动" },
  automatic_on: { en: "Automatic on", zh: "投入自动" },
};

const MOST_NAMED = 3;
const said = {
  more: (names: string, more: number): Text => ({ en: `${names} and ${more} more`, zh: `${names} 等 ${more + MOST_NAMED} 个` }),
  limit: (whom: string, limit: string, until: string): Text => ({
    en: `Limit ${whom} to ${limit}${until && ` until ${until}`}`,
    zh: `将 ${whom} 限至 ${limit}${until && `，至 ${until}`}`,
  }),
  limitFeedIn: (whom: string, limit: string, until: string): Text => ({
    en: `Limit ${whom} to feeding in ${limit}${until && ` until ${until}`}`,
    zh: `将 ${whom} 的馈入功率限至 ${limit}${until && `，至 ${until}`}`,
  }),
  release: (whom: string): Text => ({ en: `Release ${whom}`, zh: `释放 ${whom}` }),
  exclude: (whom: string): Text => ({ en: `Exclude ${whom} from requests`, zh: `将 ${whom} 退出调控` }),
  include: (whom: string): Text => ({ en: `Let ${whom} be asked again`, zh: `恢复 ${whom} 参与` }),
  moreReach: { en: "Let the automatic command beyond its limits on reach", zh: "允许自动控制超出其调节幅度限制" },
  stop: { en: "Emergency stop", zh: "紧急停止" },
  stopAtOnce: { en: "Emergency stop, all released at once", zh: "紧急停止，立即全部释放" },
  stopStaggered: { en: "Emergency stop, released one after another", zh: "紧急停止，分批释放" },
};

export function named(targets: readonly string[]): string {
  const shown = targets.slice(0, MOST_NAMED).join(", ");
  const more = targets.length - MOST_NAMED;
  return more > 0 ? t(said.more(shown, more)) : shown || NOTHING;
}

interface Meant {
  readonly action: string;
  readonly target?: string | null | undefined;
  readonly targets?: readonly string[] | undefined;
  readonly limit_kw?: number | null | undefined;
  readonly direction?: string | null | undefined;
  readonly until?: string | null | undefined;
  readonly manner?: string | null | undefined;
}

/** An order in a few words. */
export function meaning(order: Meant): string {
  const targets = order.targets?.length ? order.targets : order.target ? [order.target] : [];
  const whom = named(targets);
  switch (order.action) {
    case "limit": {
      const limited = order.direction === "production" ? said.limitFeedIn : said.limit;
      return t(limited(whom, kw(order.limit_kw), order.until ? when(order.until, false) : ""));
    }
    case "release":
      return t(said.release(whom));
    case "exclude":
      return t(said.exclude(whom));
    case "include":
      return t(said.include(whom));
    case "more_reach":
      return t(said.moreReach);
    case "emergency_stop":
      return t(order.manner === "at_once" ? said.stopAtOnce : order.manner ? said.stopStaggered : said.stop);
    default:
      return order.action in ACTION_NAMES ? t(ACTION_NAMES[order.action as Action]) : order.action;
  }
}

export const STATES: Readonly<Record<Order["state"], { tone: Tone; name: Text }>> = {
  open: { tone: "info", name: { en: "waits", zh: "待确认" } },
  carried_out: { tone: "normal", name: { en: "carried out", zh: "已执行" } },
  withdrawn: { tone: "off", name: { en: "withdrawn", zh: "已撤回" } },
  expired: { tone: "off", name: { en: "expired", zh: "已过期" } },
  void: { tone: "off", name: { en: "void", zh: "已作废" } },
  failed: { tone: "warn", name: { en: "not carried out", zh: "未执行" } },
};

const REQUEST_STATES: Readonly<Record<string, Text>> = {
  planned: { en: "planned", zh: "已计划" },
  sent: { en: "asked", zh: "已下发" },
  accepted: { en: "accepted", zh: "已接受" },
  active: { en: "in force", zh: "执行中" },
  ended: { en: "ended", zh: "已结束" },
  settled: { en: "settled", zh: "已结算" },
  refused: { en: "refused", zh: "已拒绝" },
  unanswered: { en: "unanswered", zh: "未应答" },
  overridden: { en: "released", zh: "已释放" },
  failed: { en: "not reached", zh: "未送达" },
};

const byItself = {
  automatic: { en: "the automatic", zh: "自动控制" },
  heldBack: {
    en: "its commands are held back by the limits on reach",
    zh: "自动控制的指令受调节幅度限制，暂未下发",
  },
};

/** Who gave it. */
export const giver = (order: Order): string => (order.who === "automatic" ? t(byItself.automatic) : order.who);

/** Why it was given: in the words of whoever gave it. */
export const whyOf = (order: Order): string =>
  order.action === "more_reach" && order.who === "automatic" ? t(byItself.heldBack) : order.why;

/** How far a limit came: `12 in force, 1 refused`. */
export function progress(order: Order): string {
  const parts = Object.entries(order.requests).map(([state, count]) => {
    const name = REQUEST_STATES[state];
    return `${count} ${name ? t(name) : state}`;
  });
  return parts.join(t({ en: ", ", zh: "，" }));
}

/** `in 1 min 20 s`, as long as an order may still be confirmed. */
export const left = (order: Order, nowMs: number): string =>
  order.expires_at ? span(Math.max(0, (Date.parse(order.expires_at) - nowMs) / 1000)) : NOTHING;
