// What the overview says.

import type { FeederState, Row, Warning } from "../../live/overview";
import type { Tone } from "../../parts/status";
import type { Text } from "../../words";

export const words = {
  title: { en: "Overview", zh: "总览" },
  unknown: { en: "State not known", zh: "状态未知" },
  overLimit: { en: "Over a limit", zh: "越限馈线" },
  events: { en: "Events running", zh: "进行中的事件" },
  automatic: { en: "Automatic", zh: "自动控制" },
  data: { en: "Data", zh: "数据质量" },
  expected: { en: "Overloads expected", zh: "预计越限" },
  load: { en: "Load", zh: "总负荷" },
  onEverywhere: { en: "on", zh: "全部投入" },
  good: { en: "good", zh: "良好" },
  none: { en: "none", zh: "无" },
  nobody: { en: "The site has no feeders.", zh: "站点没有馈线。" },
  feeders: { en: "Feeders, the worst first", zh: "馈线（按严重程度）" },
  find: { en: "Find a feeder", zh: "查找馈线" },
  noMatch: { en: "No feeder has this in its name.", zh: "没有匹配的馈线。" },
  changed: { en: "What changed", zh: "变化情况" },
  nothingChanged: { en: "No event, no data alarm, no order.", zh: "无事件、无数据告警、无操作。" },
  incomplete: { en: "More happened than is remembered here: the oldest are missing.", zh: "记录超出保留范围，最早的部分未显示。" },
  state: { en: "State", zh: "状态" },
  feeder: { en: "Feeder", zh: "馈线" },
  loading: { en: "Highest loading", zh: "最高负载率" },
  voltage: { en: "Voltage", zh: "电压" },
  event: { en: "Event", zh: "事件" },
  ahead: { en: "Expected", zh: "预计" },
  free: { en: "Free", zh: "裕度" },
  on: { en: "on", zh: "投入" },
  shift: { en: "Shift", zh: "本班" },
  hour: { en: "1 h", zh: "1 小时" },
  eight: { en: "8 h", zh: "8 小时" },
  day: { en: "24 h", zh: "24 小时" },
  since: { en: "Since when", zh: "起始时间" },
} as const satisfies Record<string, Text>;

export const STATES: Readonly<Record<FeederState, { tone: Tone; name: Text }>> = {
  overloaded: { tone: "bad", name: { en: "over its limit", zh: "越限" } },
  not_converged: { tone: "bad", name: { en: "no solution", zh: "潮流不收敛" } },
  no_data: { tone: "warn", name: { en: "no data", zh: "无数据" } },
  warning: { tone: "warn", name: { en: "watch", zh: "关注" } },
  normal: { tone: "normal", name: { en: "normal", zh: "正常" } },
};

export const WARNINGS: Readonly<Record<Warning, Text>> = {
  near_limit: { en: "near its limit", zh: "接近限值" },
  expected: { en: "overload expected", zh: "预计越限" },
  data_alarm: { en: "data not good", zh: "数据异常" },
  event: { en: "event running", zh: "事件进行中" },
  automatic_out: { en: "automatic out", zh: "自动退出" },
};

export const AUTOMATIC: Readonly<Record<Row["automatic"]["state"], { tone: Tone; name: Text }>> = {
  on: { tone: "normal", name: words.on },
  off: { tone: "warn", name: { en: "taken out", zh: "人工退出" } },
  released: { tone: "warn", name: { en: "all released", zh: "已全部释放" } },
  suspended: { tone: "warn", name: { en: "suspended", zh: "暂停" } },
  stopped: { tone: "bad", name: { en: "emergency stop", zh: "紧急停止" } },
};

export const CHANGES: Readonly<Record<string, (n: number) => Text>> = {
  event_opened: (n) => ({ en: `${n} ${n === 1 ? "event" : "events"} opened`, zh: `事件发生 ${n} 次` }),
  event_closed: (n) => ({ en: `${n} ${n === 1 ? "event" : "events"} closed`, zh: `事件结束 ${n} 次` }),
  event_short: (n) => ({ en: `${n} × not enough to ask for`, zh: `可调容量不足 ${n} 次` }),
  data_alarm: (n) => ({ en: `${n} data ${n === 1 ? "alarm" : "alarms"}`, zh: `数据告警 ${n} 次` }),
  operator_acted: (n) => ({ en: `${n} ${n === 1 ? "order" : "orders"} by operators`, zh: `人工操作 ${n} 次` }),
  emergency_stopped: (n) => ({ en: `${n} emergency ${n === 1 ? "stop" : "stops"}`, zh: `紧急停止 ${n} 次` }),
  alarm_shelved: (n) => ({ en: `${n} ${n === 1 ? "alarm" : "alarms"} shelved`, zh: `告警搁置 ${n} 次` }),
  controller_started: (n) => ({ en: `${n} ${n === 1 ? "start" : "starts"} of the controller`, zh: `控制器启动 ${n} 次` }),
};

export const CHANGE_NAMES: Readonly<Record<string, Text>> = {
  event_opened: { en: "event opened", zh: "事件发生" },
  event_closed: { en: "event closed", zh: "事件结束" },
  event_short: { en: "not enough", zh: "容量不足" },
  data_alarm: { en: "data", zh: "数据" },
  operator_acted: { en: "order", zh: "人工操作" },
  emergency_stopped: { en: "emergency stop", zh: "紧急停止" },
  alarm_shelved: { en: "shelved", zh: "搁置" },
  controller_started: { en: "start", zh: "启动" },
};

export const SEVERITIES: Readonly<Record<string, Tone>> = { alarm: "bad", warning: "warn", good: "good", info: "normal" };

const feeders = (n: number): string => `${n} ${n === 1 ? "feeder" : "feeders"}`;
export const ofAll = (n: number): Text => ({ en: `of ${feeders(n)}`, zh: `共 ${n} 条馈线` });
export const byKind = (loaded: number, voltage: number): Text => ({
  en: `${loaded} overloaded · ${voltage} voltage`,
  zh: `过载 ${loaded} · 电压越限 ${voltage}`,
});
export const notInSum = (n: number): Text => ({ en: `without ${n} not known`, zh: `不含 ${n} 条未知馈线` });
export const outOn = (n: number): Text => ({ en: `out on ${n}`, zh: `${n} 条退出` });
export const alarmOn = (n: number): Text => ({ en: `not good on ${n}`, zh: `${n} 条异常` });
export const curtailed = (kw: string): Text => ({ en: `${kw} held back`, zh: `已压减 ${kw}` });
export const noSolution = (n: number): Text => ({ en: `${n} without a solution`, zh: `${n} 条潮流不收敛` });
export const noneHeard = (n: number): Text => ({ en: `${n} without data`, zh: `${n} 条无数据` });
export const ofAllAndWatched = (n: number, watched: number): Text => ({
  en: `of ${feeders(n)} · ${watched} to watch`,
  zh: `共 ${n} 条馈线 · ${watched} 条需关注`,
});
export const requests = (n: number): Text => ({ en: `${n} ${n === 1 ? "request" : "requests"}`, zh: `${n} 个请求` });
export const showNormal = (n: number): Text => ({ en: `Show the ${n} that are normal`, zh: `显示 ${n} 条正常馈线` });
export const hideNormal = (n: number): Text => ({ en: `Hide the ${n} that are normal`, zh: `隐藏 ${n} 条正常馈线` });
export const more = (n: number): Text => ({ en: `Show ${n} more`, zh: `再显示 ${n} 条` });
export const measured = (share: string): Text => ({ en: `${share} measured`, zh: `实测 ${share}` });
export const lastAt = (at: string): Text => ({ en: `last at ${at}`, zh: `最后更新 ${at}` });
export const changedSince = (at: string): Text => ({ en: `What changed since ${at}`, zh: `${at} 以来的变化` });
export const changedInShift = (at: string): Text => ({
  en: `What changed since the shift began (${at})`,
  zh: `本班（${at} 起）以来的变化`,
});
export const at = (element: string): Text => ({ en: `at ${element}`, zh: element });
export const likely = (share: string): Text => ({ en: `${share} sure`, zh: `概率 ${share}` });
