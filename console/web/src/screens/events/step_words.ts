// A step in words: in English as the controller tells it, or where that would name somebody in a few words of our
// own; in Chinese from its key and the numbers behind it. A kind of step has both languages, or it does not compile.

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
const messageText = (v: Values): string => MESSAGES[text(v, "message_kind")] ?? "消息";

type Teller = (v: Values) => string;
interface StepWords {
  /** What is left of the step where it may name nobody; behind "Request 1: " where it is of one. */
  readonly en: string;
  readonly zh: Teller;
}

const feedsIn = (v: Values): string => (text(v, "direction") === "production" ? "馈入" : "");
const changed: Teller = (v) => `${whom(v)}：${CHANGES[text(v, "reason")] ?? text(v, "reason")}，${feedsIn(v)}${kw(number(v, "limit_kw"))}，至 ${when(text(v, "end"), false)}`;
const moved =
  (state: string): Teller =>
  (v) =>
    `${whom(v)}：${state}`;
const acted =
  (did: string): Teller =>
  (v) =>
    `${text(v, "who") || "值班员"} ${did} ${text(v, "target")}${behind(text(v, "why"))}`;
const limited: Teller = (v) => acted(text(v, "direction") === "production" ? "下达手动馈入限值" : "下达手动限值")(v);
const delivered: Teller = (v) => {
  const why = text(v, "result");
  return `${whom(v)}：${messageText(v)}（${text(v, "channel")}）：${why === "taken" ? "已送出" : `未送出${behind(why.replaceAll("_", " "))}`}`;
};
/** Who may not see what a household used is told no figure. */
const shown = (v: Values): string => (number(v, "reduced_kwh") === null ? "" : `电表显示削减 ${kwh(number(v, "reduced_kwh"), 2)}，`);
const earned = (v: Values): string =>
  number(v, "points") === null
    ? "有奖励"
    : `奖励 ${plain(number(v, "points"))} 积分（达到要求的 ${plain(number(v, "compliance_percent"))} %）`;

const STEPS: Readonly<Record<string, StepWords>> = {
  violation_appeared: {
    en: "Something is outside its limit",
    zh: (v) => `${element(v)} ${figure(v, "value")}，越限（限值 ${figure(v, "limit")}）`,
  },
  violation_cleared: { en: "Something is within its limit again", zh: (v) => `${element(v)} 恢复正常` },
  overload_expected: {
    en: "An overload is expected",
    zh: (v) => `预计 ${element(v)} 自 ${when(text(v, "expected_at"), false)} 起达到 ${figure(v, "value")}`,
  },
  "expectation_ended.came": { en: "The overload that was announced is here", zh: (v) => `${element(v)} 预计的过载已出现` },
  "expectation_ended.withdrawn": {
    en: "The overload that was announced is not expected any more",
    zh: (v) => `${element(v)} 预计的过载已解除`,
  },
  persisted: {
    en: "It was outside its limit for as long as opens an event",
    zh: (v) =>
      `${element(v)} 持续越限 ${span(number(v, "lasted_s"))}，检查 ${plain(number(v, "checks"))} 次（规则：连续 ${plain(number(v, "needed"))} 次）`,
  },
  "persisted.at_once": {
    en: "It was so far outside its limit that an event opens at once",
    zh: (v) => `${element(v)} 越限严重（超过 ${plain(number(v, "at_once_percent"))} %），立即开启事件`,
  },
  event_opened: {
    en: "The event opened",
    zh: (v) => `${element(v)} ${figure(v, "value")}，超过限值 ${figure(v, "limit")}：事件开启`,
  },
  "event_opened.early": {
    en: "The event opened early",
    zh: (v) => `${element(v)} 即将达到 ${figure(v, "value")}（限值 ${figure(v, "limit")}）：事件提前开启`,
  },
  event_short: {
    en: "All that may be asked for is not enough",
    zh: (v) =>
      `可调容量用尽后 ${element(v)} 仍为 ${figure(v, "value")}（限值 ${figure(v, "limit")}）${number(v, "missing_kw") === null ? "" : `，至少缺 ${kw(number(v, "missing_kw"))}`}：需要值班员处理`,
  },
  event_closed: { en: "The event closed", zh: (v) => `事件结束，最高负载率 ${plain(number(v, "peak_percent"), 1)} %` },
  round_planned: {
    en: "It was planned whom to ask",
    zh: (v) =>
      `${element(v)} ${figure(v, "value")}：向 ${plain(number(v, "asked"))} 个对象请求共削减 ${kw(number(v, "cut_kw"))}，其余 ${plain(number(v, "left"))} 台设备未调用`,
  },
  request_planned: {
    en: "planned",
    zh: (v) =>
      `请求${whom(v)}${feedsIn(v)}不超过 ${kw(number(v, "limit_kw"))}，至 ${when(text(v, "end"), false)}（原${feedsIn(v)}功率 ${kw(number(v, "p_before_kw"))}）`,
  },
  request_sent: {
    en: "sent",
    zh: (v) => `已向${whom(v)}下发指令 ${text(v, "sequence")}${(number(v, "attempt") ?? 1) > 1 ? `，第 ${text(v, "attempt")} 次` : ""}`,
  },
  request_answered: {
    en: "answered",
    zh: (v) => `${whom(v)} 应答：${ANSWERS[text(v, "answer")] ?? text(v, "answer")}${behind(text(v, "reason"))}`,
  },
  "request_moved.planned": { en: "planned", zh: moved("请求已计划") },
  "request_moved.sent": { en: "sent, the answer is awaited", zh: moved("已下发，等待应答") },
  "request_moved.accepted": { en: "accepted", zh: moved("已接受") },
  "request_moved.active": { en: "in force", zh: moved("限功率开始执行") },
  "request_moved.ended": { en: "ended", zh: moved("请求已结束") },
  "request_moved.settled": { en: "settled", zh: moved("请求已结算") },
  "request_moved.refused": { en: "refused", zh: moved("已拒绝") },
  "request_moved.unanswered": { en: "not answered", zh: moved("无应答") },
  "request_moved.overridden": { en: "overridden", zh: moved("请求被取消") },
  "request_moved.failed": { en: "could not be sent", zh: moved("无法下发") },
  "request_changed.renewed": { en: "limit kept on", zh: changed },
  "request_changed.tightened": { en: "limit lowered", zh: changed },
  "request_changed.raised": { en: "limit raised, there is room", zh: changed },
  "request_changed.relaxed": { en: "limit raised", zh: changed },
  "request_changed.released": {
    en: "released",
    zh: (v) => `${whom(v)}：已释放（按现行规则${v["load_flow_checked"] ? "经潮流校核" : "因到达最长时限"}）`,
  },
  "request_changed.overridden": { en: "released by an operator", zh: (v) => `${whom(v)}：由值班员释放` },
  "request_changed.protected": { en: "released, because it is protected", zh: (v) => `${whom(v)}：因受保护而释放` },
  "request_changed.let_go": {
    en: "told after its answer that nothing of it holds any more",
    zh: (v) => `${whom(v)}：应答后已告知其限值全部失效`,
  },
  beside_moved: {
    en: "others behind its meter do something that looks like it",
    zh: (v) => `${whom(v)}：同一电表后的其他设备已有 ${kw(number(v, "kw"))} 的变化，与所要求的削减无法区分`,
  },
  "request_settled.credited": { en: "settled, with a credit", zh: (v) => `${whom(v)} 结算：${shown(v)}${earned(v)}` },
  "request_settled.nothing_shown": {
    en: "settled, nothing to credit",
    zh: (v) => `${whom(v)} 结算：${shown(v)}无奖励`,
  },
  "request_settled.too_little_data": {
    en: "settled, too few readings",
    zh: (v) => `${whom(v)} 结算：电表数据不足，无奖励`,
  },
  "request_settled.refused_or_silent": {
    en: "settled, it was never in force",
    zh: (v) => `${whom(v)} 结算：请求未生效，无奖励`,
  },
  ledger_posted: { en: "booked", zh: () => "已记账" },
  settlement_corrected: {
    en: "its settlement was corrected",
    zh: (v) =>
      number(v, "reduced_kwh") === null
        ? `${whom(v)} 结算已更正`
        : `${whom(v)} 结算已更正：${kwh(number(v, "reduced_kwh"), 2)}（原 ${kwh(number(v, "reduced_kwh_before"), 2)}），${plain(number(v, "points"))} 积分（原 ${plain(number(v, "points_before"))}）`,
  },
  dispute_opened: { en: "disputed", zh: (v) => `${whom(v)}：提出争议 ${text(v, "dispute")}` },
  dispute_closed: {
    en: "the dispute is decided",
    zh: (v) => `${whom(v)}：争议 ${text(v, "dispute")} ${text(v, "outcome") === "upheld" ? "成立" : "不成立"}`,
  },
  notice_answered: {
    en: "the customer answered",
    zh: (v) => `${whom(v)} ${text(v, "answer") === "opted_in" ? "同意参与" : "不参与"}`,
  },
  notice_delivered: { en: "the customer was told, or could not be", zh: delivered },
  message_planned: { en: "the customer is to be told something", zh: (v) => `将告知${whom(v)}：${messageText(v)}` },
  "message_done.sent": { en: "the customer was told", zh: () => "消息已送出" },
  "message_done.given_up": {
    en: "the customer could not be told",
    zh: (v) => `消息未送出${behind(text(v, "reason").replaceAll("_", " "))}`,
  },
  "operator_acted.automatic_off": { en: "An operator took the feeder over from the automatic", zh: acted("将馈线切换为手动") },
  "operator_acted.automatic_on": { en: "An operator gave the feeder back to the automatic", zh: acted("恢复自动控制") },
  "operator_acted.release_all": { en: "An operator released everybody", zh: acted("释放全部设备") },
  "operator_acted.release": { en: "An operator released one", zh: acted("释放") },
  "operator_acted.exclude": { en: "An operator excluded one from requests", zh: acted("排除") },
  "operator_acted.include": { en: "An operator let one be asked again", zh: acted("恢复参与") },
  "operator_acted.limit": { en: "An operator ordered a limit", zh: limited },
  "data_alarm.raised": {
    en: "Data alarm",
    zh: (v) => `数据告警：${t(kindName(text(v, "kind")))}${behind(text(v, "text"))}`,
  },
  "data_alarm.over": { en: "Data alarm over", zh: (v) => `数据告警已解除：${t(kindName(text(v, "kind")))}` },
  controller_started: {
    en: "A controller took over",
    zh: (v) => `控制器 ${text(v, "version")} 接管（任期 ${text(v, "epoch")}）`,
  },
};

/** Of a step that names nobody: who may not see customers is told no sentence of it. */
function bareText(step: Step, en: string): string {
  if (step.key.startsWith("data_alarm.")) return `${en}: ${t(kindName(text(step.values as Values, "kind")))}`;
  if (!step.request) return en;
  return `${t({ en: "Request", zh: "请求" })} ${step.request.split("-").at(-1)}${t({ en: ": ", zh: "：" })}${en}`;
}

/** A step of a later release has no words here. */
const unknown = (step: Step): string => t({ en: "another step", zh: "其他步骤" }) + ` (${step.key.replaceAll("_", " ")})`;

export function stepText(step: Step): string {
  const known = STEPS[step.key];
  if (known && language.value === "zh") return known.zh({ ...(step.values as Values), request: step.request ?? "" });
  return step.text || bareText(step, known?.en ?? unknown(step));
}
