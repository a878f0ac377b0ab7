// The words of this screen that more than one of its parts needs.

import { kw, percent, perUnit } from "../../format";
import { HIGH, NORMAL, OVER, type ToneNumber } from "../../parts/network/tones";
import type { Tone } from "../../parts/status";
import { t, type Text } from "../../words";

export const TONES: Readonly<Record<ToneNumber, { tone: Tone; text: Text }>> = {
  0: { tone: "off", text: { en: "not known", zh: "未知" } },
  [NORMAL]: { tone: "normal", text: { en: "normal", zh: "正常" } },
  [HIGH]: { tone: "warn", text: { en: "near its limit", zh: "接近限值" } },
  [OVER]: { tone: "bad", text: { en: "over its limit", zh: "越限" } },
};

export const QUALITIES: Readonly<Record<string, Text>> = {
  "0": { en: "measured", zh: "实测" },
  "1": { en: "stale", zh: "数据过期" },
  "2": { en: "estimated", zh: "估算" },
};

const KINDS: Readonly<Record<string, Text>> = {
  line_overload: { en: "line overloaded", zh: "线路过载" },
  transformer_overload: { en: "transformer overloaded", zh: "变压器过载" },
  undervoltage: { en: "voltage too low", zh: "电压过低" },
  overvoltage: { en: "voltage too high", zh: "电压过高" },
};
export const kindText = (kind: string): string => (KINDS[kind] ? t(KINDS[kind]) : kind);

const DEVICES: Readonly<Record<string, Text>> = {
  ev_charger: { en: "EV charger", zh: "充电桩" },
  heat_pump: { en: "heat pump", zh: "热泵" },
  battery: { en: "battery", zh: "储能电池" },
  air_conditioner: { en: "air conditioner", zh: "空调" },
  boiler: { en: "boiler", zh: "电热水器" },
  pv_inverter: { en: "PV inverter", zh: "光伏逆变器" },
  person: { en: "notice to a person", zh: "用户通知" },
};
export const deviceText = (kind: string): string => (DEVICES[kind] ? t(DEVICES[kind]) : kind);

/** A voltage in pu, a loading in percent, of a limit. */
export const valueText = (kind: string, value: number | null | undefined, limit?: number | null): string =>
  kind.endsWith("voltage") ? perUnit(value) : percent(value, limit);

export const REQUEST_STATES: Readonly<Record<string, { tone: Tone; text: Text }>> = {
  planned: { tone: "off", text: { en: "planned", zh: "已计划" } },
  sent: { tone: "normal", text: { en: "sent, no answer yet", zh: "已下发，待应答" } },
  accepted: { tone: "normal", text: { en: "accepted", zh: "已接受" } },
  active: { tone: "info", text: { en: "in force", zh: "执行中" } },
  ended: { tone: "off", text: { en: "ended", zh: "已结束" } },
  settled: { tone: "off", text: { en: "settled", zh: "已结算" } },
  refused: { tone: "warn", text: { en: "refused", zh: "已拒绝" } },
  unanswered: { tone: "warn", text: { en: "no answer", zh: "无应答" } },
  overridden: { tone: "warn", text: { en: "overridden", zh: "被用户取消" } },
  failed: { tone: "warn", text: { en: "failed", zh: "失败" } },
};

export const kwText = (value: number | null | undefined): string => kw(value);
