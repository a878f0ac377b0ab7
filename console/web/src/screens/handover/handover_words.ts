// The words that more than one part of this screen needs, and how matters are told.

import type { components } from "../../api/schema";
import { clockTime, dateText } from "../../format";
import { elementName } from "../../parts/element_name";
import type { Tone } from "../../parts/status";
import { t, type Text } from "../../words";
import { kindName } from "../alarms/kind_names";

export type Shift = components["schemas"]["ShiftBody"];
export type PastShift = components["schemas"]["PastShiftBody"];
export type Note = components["schemas"]["NoteBody"];
export type Matter = components["schemas"]["MatterBody"];
export type Summary = components["schemas"]["ShiftSummary"];

export const words = {
  title: { en: "Hand-over", zh: "交接班" },
  present: { en: "This shift", zh: "本班" },
  before: { en: "Shifts before", zh: "历史班次" },
  shift: { en: "Shift", zh: "班次" },
  nobody: { en: "nobody took over yet", zh: "尚无人接班" },
  onShift: { en: "On shift", zh: "当班人员" },
  since: { en: "Since", zh: "开始时间" },
  notes: { en: "Notes", zh: "值班记录" },
  noNotes: { en: "Nothing was written down.", zh: "暂无记录。" },
  standing: { en: "What stands", zh: "当前遗留事项" },
  nothingStands: { en: "Nothing stands: no event, no alarm, nobody excluded.", zh: "无遗留事项：无事件、无告警、无排除对象。" },
  summary: { en: "What happened", zh: "本班情况" },
  summaryNotYours: { en: "It sums up all feeders, so it is for who may look at all of them.", zh: "该汇总涵盖全部馈线，仅向可查看全部馈线的人员显示。" },
  notYours: { en: "The shift log is for who is signed in.", zh: "值班日志仅向已登录人员显示。" },
  print: { en: "Print", zh: "打印" },
  remarks: { en: "Remarks", zh: "交班说明" },
  feeder: { en: "Feeder", zh: "馈线" },
  who: { en: "Who", zh: "人员" },
  why: { en: "Why", zh: "原因" },
  at: { en: "At", zh: "时间" },
  until: { en: "Until", zh: "截止" },
  what: { en: "What", zh: "内容" },
  more: (count: number): Text => ({ en: `and ${count} more`, zh: `另有 ${count} 项` }),
} satisfies Record<string, Text | ((count: number) => Text)>;

/** The same matter, however often it came. */
export const matterKey = (matter: Matter): string => `${matter.kind}/${matter.feeder}/${matter.what}/${matter.since}/${matter.until}`;

const MATTERS: Readonly<Record<string, { tone: Tone; name: Text }>> = {
  emergency_stop: { tone: "bad", name: { en: "Emergency stop", zh: "紧急停止" } },
  event: { tone: "bad", name: { en: "Event running", zh: "事件进行中" } },
  event_short: { tone: "bad", name: { en: "Not enough to ask for", zh: "可调容量不足" } },
  automatic_off: { tone: "warn", name: { en: "Automatic off", zh: "自动控制退出" } },
  alarm: { tone: "warn", name: { en: "Alarm", zh: "告警" } },
  hands_off: { tone: "warn", name: { en: "All released, automatic waits", zh: "已全部释放，自动控制待命" } },
  limit: { tone: "info", name: { en: "Limit by an operator", zh: "人工限值" } },
  excluded: { tone: "info", name: { en: "Excluded", zh: "已排除" } },
  left_alone: { tone: "info", name: { en: "Released for this event", zh: "本次事件内已释放" } },
  shelved: { tone: "off", name: { en: "Alarm shelved", zh: "告警已搁置" } },
  order: { tone: "info", name: { en: "Order waits for confirmation", zh: "指令待确认" } },
  dispute: { tone: "info", name: { en: "Dispute open", zh: "异议待处理" } },
};
export const matterName = (matter: Matter): { tone: Tone; name: string } => {
  const known = MATTERS[matter.kind];
  return { tone: known?.tone ?? "info", name: known ? t(known.name) : matter.kind };
};

/** An alarm by its name, an element by its own; anything else as it is called; empty where the feeder says it all. */
export function matterWhat(matter: Matter): string {
  if (matter.kind === "alarm" || matter.kind === "shelved") {
    const [kind = "", ...subject] = matter.what.split(" ");
    const about = subject.join(" ");
    return about ? `${t(kindName(kind))} · ${elementName(about)}` : t(kindName(kind));
  }
  if (matter.kind === "event") return `${matter.what}${matter.why ? ` · ${elementName(matter.why)}` : ""}`;
  return elementName(matter.what);
}

/** Why it stands, where what it is does not say it. */
export const matterWhy = (matter: Matter): string => (matter.kind === "event" || !matter.why ? "–" : matter.why);

const withDate = (at: string): string => `${dateText(at)} ${clockTime(at, false)}`;

/** With its date always: it may be on paper. */
export const shiftSpan = (began: string, ended: string): string => `${withDate(began)} – ${withDate(ended)}`;

export const PRIORITY_ORDER = ["critical", "high", "medium", "low"] as const;
