// A step in words: in English as the controller tells it, in Chinese from its key and the numbers behind it. A
// step of a later release is told in English.

import { kw, kwh, plain, span, when } from "../../format";
import { language, t } from "../../words";
import { kindName } from "../alarms/kind_names";
import { deviceText } from "../feeder/feeder_words";
import type { Step } from "./bodies";
import { elementText, figureText } from "./event_words";

type Values = Readonly<Record<string, unknown>>;

const text = (values: Values, name: string): string => {
  const value = values[name];
  return typeof value === "string" || typeof value === "number" ? String(value) : "";
};
const number = (values: Values, name: string): number | null => {
  const value = values[name];
  return typeof value === "number" ? value : null;
};
const element = (v: Values): string => elementText(text(v, "element"));
const figure = (v: Values, name: string): string => figureText(text(v, "element"), number(v, name), number(v, "limit"));
const behind = (why: string): string => (why ? `（${why}）` : "");

function whom(v: Values): string {
  const target = text(v, "target");
  if (!target) return `请求 ${text(v, "request")}`;
  return text(v, "resource") === "person" ? `用户 ${target}` : `${deviceText(text(v, "kind"))} ${target}`;
}

const STATES: Readonly<Record<string, string>> = {
  planned: "请求已计划",
  sent: "已下发，等待应答",
  accepted: "已接受",
  active: "限功率开始执行",
  ended: "请求已结束",
  settled: "请求已结算",
  refused: "已拒绝",
  unanswered: "无应答",
  overridden: "请求被取消",
  failed: "无法下发",
};
const ANSWERS: Readonly<Record<string, string>> = { accepted: "接受", refused: "拒绝", ended: "结束" };
const MESSAGES: Readonly<Record<string, string>> = {
  notice: "请求通知",
  taken_back: "撤回通知",
  follow_up: "进展提醒",
  thanks: "感谢与所得奖励",
  explanation: "未奖励说明",
};
const CHANGES: Readonly<Record<string, string>> = {
  renewed: "限值延续",
  tightened: "限值收紧",
  raised: "限值上调",
  relaxed: "限值放宽",
};
const ACTIONS: Readonly<Record<string, string>> = {
  automatic_off: "将馈线切换为手动",
  automatic_on: "恢复自动控制",
  release_all: "释放全部设备",
  release: "释放",
  exclude: "排除",
  include: "恢复参与",
  limit: "下达手动限值",
};

type Teller = (v: Values) => string;
const feedsIn = (v: Values): boolean => text(v, "kind") === "pv_inverter";
const changed: Teller = (v) => `${whom(v)}：${CHANGES[text(v, "reason")] ?? text(v, "reason")}，${feedsIn(v) ? "馈入" : ""}${kw(number(v, "limit_kw"))}，至 ${when(text(v, "end"), false)}`;
const moved: Teller = (v) => `${whom(v)}：${STATES[text(v, "state")] ?? text(v, "state")}`;
const actionOf = (v: Values): string =>
  text(v, "action") === "limit" && text(v, "direction") === "production" ? "下达手动馈入限值" : (ACTIONS[text(v, "action")] ?? text(v, "action"));
const acted: Teller = (v) => `${text(v, "who") || "值班员"} ${actionOf(v)} ${text(v, "target")}${behind(text(v, "why"))}`;
const delivered: Teller = (v) =>
  `${whom(v)}：${MESSAGES[text(v, "kind")] ?? text(v, "kind")}（${text(v, "channel")}）：${text(v, "result") === "taken" ? "已送出" : `未送出（${text(v, "result")}）`}`;

const CHINESE: Readonly<Record<string, Teller>> = {
  violation_appeared: (v) => `${element(v)} ${figure(v, "value")}，越限（限值 ${figure(v, "limit")}）`,
  violation_cleared: (v) => `${element(v)} 恢复正常`,
  overload_expected: (v) => `预计 ${element(v)} 自 ${when(text(v, "expected_at"), false)} 起达到 ${figure(v, "value")}`,
  "expectation_ended.came": (v) => `${element(v)} 预计的过载已出现`,
  "expectation_ended.withdrawn": (v) => `${element(v)} 预计的过载已解除`,
  persisted: (v) =>
    `${element(v)} 持续越限 ${span(number(v, "lasted_s"))}，检查 ${plain(number(v, "checks"))} 次（规则：连续 ${plain(number(v, "needed"))} 次）`,
  "persisted.at_once": (v) => `${element(v)} 越限严重（超过 ${plain(number(v, "at_once_percent"))} %），立即开启事件`,
  event_opened: (v) => `${element(v)} ${figure(v, "value")}，超过限值 ${figure(v, "limit")}：事件开启`,
  "event_opened.early": (v) => `${element(v)} 即将达到 ${figure(v, "value")}（限值 ${figure(v, "limit")}）：事件提前开启`,
  event_short: (v) =>
    `可调容量用尽后 ${element(v)} 仍为 ${figure(v, "value")}（限值 ${figure(v, "limit")}）${number(v, "missing_kw") === null ? "" : `，至少缺 ${kw(number(v, "missing_kw"))}`}：需要值班员处理`,
  event_closed: (v) => `事件结束，最高负载率 ${plain(number(v, "peak_percent"), 1)} %`,
  round_planned: (v) =>
    `${element(v)} ${figure(v, "value")}：向 ${plain(number(v, "asked"))} 个对象请求共削减 ${kw(number(v, "cut_kw"))}，其余 ${plain(number(v, "left"))} 台设备未调用`,
  request_planned: (v) =>
    `请求${whom(v)}${feedsIn(v) ? "馈入" : ""}不超过 ${kw(number(v, "limit_kw"))}，至 ${when(text(v, "end"), false)}（原${feedsIn(v) ? "馈入" : ""}功率 ${kw(number(v, "p_before_kw"))}）`,
  request_sent: (v) => `已向${whom(v)}下发指令 ${text(v, "sequence")}${(number(v, "attempt") ?? 1) > 1 ? `，第 ${text(v, "attempt")} 次` : ""}`,
  request_answered: (v) => `${whom(v)} 应答：${ANSWERS[text(v, "answer")] ?? text(v, "answer")}${behind(text(v, "reason"))}`,
  "request_changed.renewed": changed,
  "request_changed.tightened": changed,
  "request_changed.raised": changed,
  "request_changed.relaxed": changed,
  "request_changed.released": (v) =>
    `${whom(v)}：已释放（按现行规则${v["load_flow_checked"] ? "经潮流校核" : "因到达最长时限"}）`,
  "request_changed.overridden": (v) => `${whom(v)}：由值班员释放`,
  "request_changed.protected": (v) => `${whom(v)}：因受保护而释放`,
  "request_settled.credited": (v) =>
    `${whom(v)} 结算：电表显示削减 ${kwh(number(v, "reduced_kwh"), 2)}（要求的 ${plain(number(v, "compliance_percent"))} %），奖励 ${plain(number(v, "points"))} 积分`,
  "request_settled.nothing_shown": (v) => `${whom(v)} 结算：电表显示削减 ${kwh(number(v, "reduced_kwh"), 2)}，无奖励`,
  "request_settled.too_little_data": (v) => `${whom(v)} 结算：电表数据不足，无奖励`,
  "request_settled.refused_or_silent": (v) => `${whom(v)} 结算：请求未生效，无奖励`,
  ledger_posted: () => "已记账",
  settlement_corrected: (v) =>
    `${whom(v)} 结算已更正：${kwh(number(v, "reduced_kwh"), 2)}（原 ${kwh(number(v, "reduced_kwh_before"), 2)}），${plain(number(v, "points"))} 积分（原 ${plain(number(v, "points_before"))}）`,
  dispute_opened: (v) => `${whom(v)}：提出争议 ${text(v, "dispute")}`,
  dispute_closed: (v) => `${whom(v)}：争议 ${text(v, "dispute")} ${text(v, "outcome") === "upheld" ? "成立" : "不成立"}`,
  notice_answered: (v) => `${whom(v)} ${text(v, "answer") === "opted_in" ? "同意参与" : "不参与"}`,
  notice_delivered: delivered,
  message_planned: (v) => `将告知${whom(v)}：${MESSAGES[text(v, "kind")] ?? text(v, "kind")}`,
  "message_done.sent": () => "消息已送出",
  "message_done.given_up": (v) => `消息未送出${behind(text(v, "reason"))}`,
  "data_alarm.raised": (v) => `数据告警：${text(v, "text") || t(kindName(text(v, "kind")))}`,
  "data_alarm.over": () => "数据告警已解除",
  controller_started: (v) => `控制器 ${text(v, "version")} 接管（任期 ${text(v, "epoch")}）`,
};

/** What is left of a step that names nobody: who may not see customers is told no sentence of it. */
const BARE: Readonly<Record<string, string>> = {
  request_planned: "planned",
  request_sent: "sent",
  request_answered: "answered",
  "request_moved.active": "in force",
  "request_changed.renewed": "limit kept on",
  "request_changed.tightened": "limit lowered",
  "request_changed.raised": "limit raised, there is room",
  "request_changed.relaxed": "limit raised",
  "request_changed.released": "released",
  "request_changed.overridden": "released by an operator",
  "request_changed.protected": "released, because it is protected",
  "request_settled.credited": "settled, with a credit",
  "request_settled.nothing_shown": "settled, nothing to credit",
  "request_settled.too_little_data": "settled, too few readings",
  "request_settled.refused_or_silent": "settled, it was never in force",
  ledger_posted: "booked",
};

function bareText(step: Step): string {
  if (step.key === "data_alarm.raised") return `Data alarm: ${t(kindName(text(step.values as Values, "kind")))}`;
  if (step.key === "data_alarm.over") return `Data alarm over: ${t(kindName(text(step.values as Values, "kind")))}`;
  const said = BARE[step.key] ?? (step.key.split(".").at(-1) ?? step.key).replaceAll("_", " ");
  if (step.request) return `Request ${step.request.split("-").at(-1)}: ${said}`;
  const action = step.key.startsWith("operator_acted.") ? `An operator: ${said}` : said;
  return action.charAt(0).toUpperCase() + action.slice(1);
}

export function stepText(step: Step): string {
  if (language.value === "en") return step.text || bareText(step);
  const values = { ...(step.values as Values), request: step.request ?? "" };
  if (step.key.startsWith("request_moved.")) return moved(values);
  if (step.key.startsWith("operator_acted.")) return acted(values);
  if (!step.text && /^(request_settled|settlement_corrected)/.test(step.key)) {
    return `${whom(values)}${step.key.startsWith("request_settled") ? "已结算" : "结算已更正"}`;
  }
  return CHINESE[step.key]?.(values) ?? step.text;
}
