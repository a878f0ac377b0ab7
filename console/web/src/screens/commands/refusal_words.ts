// Why an order is not taken, cannot be confirmed, or is over: the controller's codes in both languages. What has no
// code is in a person's own words.

import { Problem, problemText } from "../../api/problem";
import { language, t, type Text } from "../../words";
import type { Order } from "./order_api";

type Code = NonNullable<Order["cannot_code"]>;
type EndCode = NonNullable<Order["reason_code"]>;

const REFUSALS: Readonly<Record<Code, Text>> = {
  effect_newer: { en: "There is a newer forecast of the effect.", zh: "预计效果已更新。" },
  effect_first_seen: { en: "The effect can be foreseen only now.", zh: "现在才得出预计效果。" },
  effect_unknown: { en: "The effect cannot be foreseen any more.", zh: "目前已无法预计其效果。" },
  effect_no_solution: { en: "No load flow exists after the order any more.", zh: "馈线状态已变化：执行后潮流不收敛。" },
  effect_not_reached: { en: "Some would not be reached any more.", zh: "馈线状态已变化：部分对象已无法调控。" },
  effect_loading: { en: "The loading would be higher than foreseen.", zh: "馈线状态已变化：最高负载率将高于原预计值。" },
  effect_violation: { en: "Something else would leave its limits.", zh: "馈线状态已变化：将有新的元件越限。" },
  effect_power: { en: "It would take another power than foreseen.", zh: "馈线状态已变化：削减功率与原预计值不同。" },
  excluded_since: {
    en: "An operator has excluded somebody since: draft it anew.",
    zh: "其中有对象此后被退出调控，请重新拟写指令。",
  },
  unknown_order: { en: "There is no such order.", zh: "没有该指令。" },
  is_over: { en: "It is over.", zh: "该指令已结束。" },
  expired: { en: "It has expired.", zh: "该指令已过期。" },
  restarted: { en: "The controller was started again since.", zh: "控制器此后已重新启动。" },
  clock_set_back: { en: "The clock was set back since.", zh: "控制器时钟此后被回拨。" },
  another_needed: { en: "Another person must agree.", zh: "须由另一人同意。" },
  has_agreed: { en: "You have agreed. Another person must confirm it.", zh: "您已同意，须由另一人确认。" },
  person_needed: {
    en: "It takes persons with accounts of their own.",
    zh: "须由拥有个人账户的人员确认，程序或共用令牌无效。",
  },
  stop_holds: {
    en: "An emergency stop holds there: put the automatic on first.",
    zh: "该馈线紧急停止生效中，请先投入自动。",
  },
  automatic_off: { en: "The automatic is off there: put it on first.", zh: "该馈线已退出自动，请先投入自动。" },
  two_steps_needed: { en: "It raises limits that are held: look at its effect first.", zh: "将放宽现有限值，请先查看效果。" },
  too_many_open: { en: "Too many orders wait: confirm or withdraw some first.", zh: "待确认指令过多，请先确认或撤回。" },
  not_signed_in: { en: "Nobody is signed in.", zh: "尚未登录。" },
  may_not_operate: { en: "You may not operate there.", zh: "您无权操作该馈线。" },
  cannot_be_meant: { en: "It cannot be carried out any more.", zh: "条件已变化，该指令无法执行。" },
};

const ENDS: Readonly<Record<EndCode, Text>> = {
  expired: { en: "nobody confirmed it in time", zh: "未在规定时间内确认" },
  restarted: { en: "the controller was started again", zh: "控制器已重新启动" },
  clock_set_back: { en: "the clock was set back", zh: "控制器时钟被回拨" },
  emergency_stop: { en: "emergency stop", zh: "紧急停止" },
  not_needed: { en: "nothing is held back any more", zh: "指令已不再受限" },
  failed: { en: "it could not be carried out any more", zh: "条件已变化，无法执行" },
};

/** The effect has to be looked at once more. */
export const isToBeSeenAgain = (error: unknown): boolean =>
  error instanceof Problem && error.code !== null && error.code.startsWith("effect_");

/** What the controller says against it, with its own words where those are in the language in use. */
export function refusalText(error: unknown): string {
  const said = error instanceof Problem && error.code !== null ? REFUSALS[error.code as Code] : undefined;
  if (!said) return problemText(error);
  return language.value === "en" ? (error as Problem).detail || said.en : t(said);
}

/** Why this one cannot confirm a draft. */
export const cannotText = (order: Order): string =>
  order.cannot_code ? t(REFUSALS[order.cannot_code]) : (order.cannot_because ?? "");

/** Why it is over. */
export const reasonText = (order: Order): string =>
  order.reason_code && !(order.reason_code === "failed" && language.value === "en")
    ? t(ENDS[order.reason_code])
    : (order.reason ?? "");
