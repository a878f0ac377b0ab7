// An alarm in one sentence in both languages, and the words that the lists share.

import { percent, perUnit, plain } from "../../format";
import { t, type Text } from "../../words";
import type { Alarm } from "./alarm_store";
import { kindName, PRIORITY_SIGNS, type Priority } from "./kind_names";

export type State = Alarm["state"];

export const words = {
  title: { en: "Alarms", zh: "告警" },
  active: { en: "Active", zh: "当前告警" },
  shelved: { en: "Shelved", zh: "已搁置" },
  history: { en: "History", zh: "历史" },
  rate: { en: "Rate", zh: "告警率" },
  priority: { en: "Priority", zh: "优先级" },
  state: { en: "State", zh: "状态" },
  alarm: { en: "Alarm", zh: "告警" },
  where: { en: "Where", zh: "位置" },
  since: { en: "Since", zh: "起始" },
  at: { en: "At", zh: "时间" },
  value: { en: "When raised", zh: "触发值" },
  who: { en: "Who", zh: "人员" },
  why: { en: "Why", zh: "原因" },
  until: { en: "Until", zh: "截止" },
  all: { en: "All", zh: "全部" },
  site: { en: "Whole site", zh: "全站" },
  acknowledge: { en: "Acknowledge", zh: "确认" },
  shelve: { en: "Shelve …", zh: "搁置……" },
  unshelve: { en: "Take back", zh: "取消搁置" },
  details: { en: "Details", zh: "详情" },
  feeder: { en: "Feeder", zh: "馈线" },
  kind: { en: "Kind", zh: "类型" },
} satisfies Record<string, Text>;

export const STATES: Readonly<Record<State, Text>> = {
  normal: { en: "Normal", zh: "正常" },
  unacknowledged: { en: "Unacknowledged", zh: "未确认" },
  acknowledged: { en: "Acknowledged", zh: "已确认" },
  returned_unacknowledged: { en: "Returned, unacknowledged", zh: "已复归未确认" },
  shelved: { en: "Shelved", zh: "已搁置" },
  suppressed: { en: "Suppressed by design", zh: "设计抑制" },
  out_of_service: { en: "Out of service", zh: "停用" },
};

export const waits = (one: Alarm): boolean => one.state === "unacknowledged" || one.state === "returned_unacknowledged";

export const priorityName = (priority: Priority): string => t(PRIORITY_SIGNS[priority].name);

/** `Overload · line:3` */
export const nameOf = (one: { kind: string; subject: string }): string =>
  one.subject ? `${t(kindName(one.kind))} · ${one.subject}` : t(kindName(one.kind));

const COUNTED: Readonly<Record<string, (value: string, limit: string) => Text>> = {
  overload_unattended: (n) => ({ en: `${n} elements`, zh: `${n} 个元件` }),
  requests_unanswered: (n, of) => ({ en: `${n} of ${of} devices`, zh: `${of} 台中的 ${n} 台` }),
  readings_refused: (n) => ({ en: `${n} inputs`, zh: `${n} 条` }),
  alarms_held_back: (n) => ({ en: `${n} alarms`, zh: `${n} 条告警` }),
  emergency_stop: (n) => ({ en: `${n} feeders`, zh: `${n} 条馈线` }),
  cycle_late: (s) => ({ en: `${s} s late`, zh: `超时 ${s} 秒` }),
};

/** What stands with its limit, each with its unit; empty where the alarm has no figure. */
export function figureOf(one: { kind: string; subject: string; value?: number | null; limit?: number | null }): string {
  const { value, limit } = one;
  if (value === null || value === undefined) return "";
  const counted = COUNTED[one.kind];
  if (counted) return t(counted(plain(value, one.kind === "cycle_late" ? 1 : 0), plain(limit)));
  const say = one.subject.startsWith("bus:") || one.kind.endsWith("voltage") ? perUnit : percent;
  return limit === null || limit === undefined ? say(value) : `${say(value)} / ${say(limit)}`;
}
