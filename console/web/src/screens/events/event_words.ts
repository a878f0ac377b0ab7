// Words of this screen that more than one of its parts needs.

import { percent, perUnit } from "../../format";
import type { Tone } from "../../parts/status";
import { language, t, type Text } from "../../words";
import type { EventRow } from "./bodies";

export const PHASES: Readonly<Record<string, Text>> = {
  detection: { en: "Detection", zh: "发现" },
  asking: { en: "Asking", zh: "下发请求" },
  holding: { en: "Holding", zh: "限功率执行" },
  releasing: { en: "Releasing", zh: "释放" },
  closing: { en: "Closing", zh: "结束" },
  settlement: { en: "Settlement", zh: "结算" },
  afterwards: { en: "Corrections and disputes", zh: "更正与争议" },
};
export const phaseText = (phase: string): string => (PHASES[phase] ? t(PHASES[phase]) : phase);

export const REASONS: Readonly<Record<string, Text>> = {
  feeds_in: { en: "feeds in: less of that would relieve nothing", zh: "发电设备，减少馈入无助于缓解" },
  would_not_help: { en: "takes power: it is feed-in that does it", zh: "用电设备，越限由反向馈入引起" },
  by_operator: { en: "taken out by an operator", zh: "已被值班员排除" },
  failed_in_event: { en: "refused, silent or not reached in this event", zh: "本次事件中已拒绝、无应答或无法联系" },
  protected: { en: "protected: critical, or asked by notice only", zh: "受保护：重要用户或仅限通知" },
  not_in_its_hours: { en: "its agreement does not allow a call now", zh: "协议规定此时不可调用" },
  opted_out: { en: "its customer said no in this event", zh: "用户已拒绝参与本次事件" },
  had_its_turn: { en: "was asked for as long as one event may", zh: "本次事件中已达最长时限" },
  failsafe_not_shown: { en: "has not shown its failsafe limit", zh: "失联限值未确认" },
  power_not_known: { en: "offline, or has not told its power", zh: "离线或功率未知" },
  being_released: { en: "is being released", zh: "正在释放" },
  just_released: { en: "was released a moment ago and rests", zh: "刚刚释放，处于休整期" },
  does_not_obey: { en: "takes more than it may: more words are useless", zh: "未执行限值，再次下发无效" },
  at_its_floor: { en: "takes no more than its guaranteed minimum", zh: "已处于保证最小功率" },
  could_give: { en: "could give, but was not needed or was held back by the pace", zh: "可削减，但无需调用或受速率限制" },
};
export const reasonText = (reason: string): string => (REASONS[reason] ? t(REASONS[reason]) : reason);

const GATE: Readonly<Record<string, Text>> = {
  unknown_target: { en: "not in the registry", zh: "设备未登记" },
  protected: { en: "protected", zh: "受保护" },
  not_finite: { en: "no valid limit", zh: "限值无效" },
  below_floor: { en: "below the guaranteed minimum", zh: "低于保证最小功率" },
  wrong_direction: { en: "not what it can limit", zh: "限功率方向不符" },
  window: { en: "outside its time", zh: "时间窗不符" },
  too_long: { en: "too long", zh: "时间过长" },
  stale_epoch: { en: "of a controller that was replaced", zh: "控制器任期已失效" },
  already_limited: { en: "limited already", zh: "已在限功率" },
  failsafe_unproven: { en: "failsafe not shown", zh: "失联限值未确认" },
  data_not_good: { en: "data not good", zh: "数据质量不佳" },
  feeder_budget: { en: "as much as the feeder may change in a minute", zh: "超出馈线每分钟调节量" },
  fleet_budget: { en: "as much as all feeders may change in a minute", zh: "超出全网每分钟调节量" },
};
/** Why the last gate before the wire held something back. */
export const gateReasonText = (reason: string): string => (GATE[reason] ? t(GATE[reason]) : reason);

export const EVENT_STATES = {
  running: { tone: "info" as Tone, text: { en: "running", zh: "进行中" } },
  short: { tone: "warn" as Tone, text: { en: "fell short", zh: "容量不足" } },
  closed: { tone: "normal" as Tone, text: { en: "closed", zh: "已结束" } },
};
export function stateOf(row: EventRow): { tone: Tone; text: Text } {
  if (row.closed_at === null) return EVENT_STATES.running;
  return row.short ? EVENT_STATES.short : EVENT_STATES.closed;
}

const ELEMENTS: Readonly<Record<string, Text>> = {
  line: { en: "Line", zh: "线路" },
  trafo: { en: "Transformer", zh: "变压器" },
  trafo3w: { en: "Three-winding transformer", zh: "三绕组变压器" },
  bus: { en: "Bus", zh: "母线" },
};
/** "line:3" → "Line 3". */
export function elementText(element: string): string {
  const [table = "", index] = element.split(":");
  const known = ELEMENTS[table];
  return known && index !== undefined ? `${t(known)} ${index}` : element;
}
export const isBus = (element: string): boolean => element.startsWith("bus:");
/** A bus has a voltage, all others a loading, of a limit. */
export const figureText = (element: string, value: number | null | undefined, limit?: number | null): string =>
  isBus(element) ? perUnit(value) : percent(value, limit);

const NUMBERED: Readonly<Record<string, string>> = { customer: "用户", device: "设备", "service point": "用电点" };
/** The id of a customer or device, or the number that stands for it before who may not see customers. */
export function nameText(name: string): string {
  const [, what = "", number = ""] = /^(customer|device|service point) (\d+)$/.exec(name) ?? [];
  return language.value === "zh" && NUMBERED[what] ? `${NUMBERED[what]} ${number}` : name;
}

const OUTCOMES: Readonly<Record<string, { tone: Tone; text: Text }>> = {
  credited: { tone: "normal", text: { en: "credited", zh: "已奖励" } },
  nothing_shown: { tone: "off", text: { en: "nothing to credit", zh: "无可奖励" } },
  too_little_data: { tone: "warn", text: { en: "too few readings", zh: "电表数据不足" } },
  refused_or_silent: { tone: "off", text: { en: "never in force", zh: "未生效" } },
};
export const outcomeOf = (outcome: string): { tone: Tone; text: Text } =>
  OUTCOMES[outcome] ?? { tone: "normal", text: { en: outcome, zh: outcome } };

/** Behind a sentence. */
export const stop = (): string => (language.value === "zh" ? "。" : ".");
/** Between the parts of a list. */
export const comma = (): string => (language.value === "zh" ? "、" : ", ");
