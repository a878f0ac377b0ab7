// What each kind of alarm is called, and in what order of urgency. Small: the header needs it on every screen.

import type { Text } from "../../words";

export type Priority = "critical" | "high" | "medium" | "low";
/** The most urgent first. */
export const PRIORITIES: readonly Priority[] = ["critical", "high", "medium", "low"];

/** Told by shape and word first, by colour only beside them. */
export const PRIORITY_SIGNS: Readonly<Record<Priority, { sign: string; name: Text }>> = {
  critical: { sign: "■", name: { en: "Critical", zh: "紧急" } },
  high: { sign: "▲", name: { en: "High", zh: "高" } },
  medium: { sign: "◆", name: { en: "Medium", zh: "中" } },
  low: { sign: "●", name: { en: "Low", zh: "低" } },
};

const NAMES: Readonly<Record<string, Text>> = {
  journal_unwritable: { en: "Journal cannot be written", zh: "日志无法写入" },
  overload_unattended: { en: "Limits broken, automatic out", zh: "越限且自动控制退出" },
  event_short: { en: "Not enough to ask for", zh: "可调容量不足" },
  near_collapse: { en: "Near voltage collapse", zh: "接近电压崩溃" },
  controller_fault: { en: "Controller fault", zh: "控制器故障" },
  emergency_stop: { en: "Emergency stop", zh: "紧急停止" },
  overload_severe: { en: "Severe overload", zh: "严重过载" },
  too_few_meters: { en: "Too few meters", zh: "有效电表不足" },
  substation_silent: { en: "Substation silent", zh: "台区终端无数据" },
  feeder_sum: { en: "Sums do not agree", zh: "总分不平衡" },
  busbar_voltage: { en: "Busbar voltage implausible", zh: "母线电压异常" },
  network_voltages: { en: "Voltages contradict the network", zh: "电压与网络模型不符" },
  diverged: { en: "Load flow does not converge", zh: "潮流不收敛" },
  link_down: { en: "Link down", zh: "通信链路中断" },
  cycle_late: { en: "Cycle late", zh: "控制周期超时" },
  failsafe_not_lifted: { en: "Failsafe would limit", zh: "失联限值未解除" },
  alarms_held_back: { en: "Alarms not shown", zh: "部分告警未显示" },
  overload: { en: "Overload", zh: "过载" },
  undervoltage: { en: "Undervoltage", zh: "低电压" },
  overvoltage: { en: "Overvoltage", zh: "过电压" },
  overload_expected: { en: "Overload expected", zh: "预计过载" },
  wrong_meter: { en: "Meter not believed", zh: "电表数据不可信" },
  failsafe_unconfirmed: { en: "Failsafe not shown", zh: "失联限值未确认" },
  heartbeats_not_heard: { en: "Heartbeats not heard", zh: "设备收不到心跳" },
  requests_unanswered: { en: "Requests unanswered", zh: "请求无应答" },
  readings_refused: { en: "Readings refused", zh: "量测数据被拒收" },
  automatic_off: { en: "Automatic still off", zh: "自动控制长时间退出" },
};

/** One of a later release is called by its key. */
export const kindName = (kind: string): Text => NAMES[kind] ?? { en: kind, zh: kind };
export const KINDS: readonly string[] = Object.keys(NAMES);
