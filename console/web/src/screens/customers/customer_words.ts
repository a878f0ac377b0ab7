// The words and lists that more than one part of this screen needs.

import { body, client } from "../../api/client";
import { useResource } from "../../api/resource";
import type { components } from "../../api/schema";
import type { Tone } from "../../parts/status";
import { LANGUAGES, t, type Language, type Text } from "../../words";

export type DeviceRow = components["schemas"]["DeviceRow"];
export type RequestRow = components["schemas"]["RequestRow"];
export type SupplyRow = components["schemas"]["SupplyRow"];
export type CustomerPage = components["schemas"]["CustomerPage"];
export type Health = DeviceRow["health"];

export const words = {
  customers: { en: "Customers", zh: "用户" },
  devices: { en: "Devices", zh: "设备" },
  title: { en: "Customers and devices", zh: "用户与设备" },
  customer: { en: "Customer", zh: "用户" },
  device: { en: "Device", zh: "设备" },
  feeder: { en: "Feeder", zh: "馈线" },
  allFeeders: { en: "All feeders", zh: "全部馈线" },
  servicePoint: { en: "Service point", zh: "接入点" },
  meter: { en: "Meter", zh: "电表" },
  kind: { en: "Kind", zh: "类型" },
  health: { en: "Health", zh: "健康状态" },
  critical: { en: "Critical", zh: "重要用户" },
  neverLimited: { en: "never limited", zh: "不受限" },
  excluded: { en: "Kept out of requests", zh: "已排除，不参与调控" },
  state: { en: "State", zh: "状态" },
  request: { en: "Request", zh: "请求" },
  requests: { en: "Requests", zh: "请求记录" },
  noRequests: { en: "None that is still known in detail.", zh: "暂无可查的请求明细。" },
  search: { en: "Search", zh: "查询" },
  at: { en: "At", zh: "时间" },
  back: { en: "Back to the list", zh: "返回列表" },
} satisfies Record<string, Text>;

export const HEALTHS: Readonly<Record<Health, { tone: Tone; name: Text; told: Text }>> = {
  offline: {
    tone: "bad",
    name: { en: "Offline", zh: "离线" },
    told: { en: "It said so itself, or its broker did.", zh: "设备或消息服务器已报告离线。" },
  },
  never_heard: {
    tone: "bad",
    name: { en: "Never heard", zh: "从未上报" },
    told: { en: "Nothing came since the controller started.", zh: "控制器启动以来未收到任何上报。" },
  },
  silent: {
    tone: "warn",
    name: { en: "Silent", zh: "无新上报" },
    told: { en: "Its last word is too old.", zh: "最近一次上报已过期。" },
  },
  disobeys: {
    tone: "bad",
    name: { en: "Takes more than asked", zh: "未执行限值" },
    told: { en: "It takes, or says it may take, more than its limit.", zh: "实际功率或自报限值高于下发限值。" },
  },
  at_failsafe: {
    tone: "warn",
    name: { en: "At its failsafe", zh: "处于失联限值" },
    told: { en: "It hears no heartbeat of the controller.", zh: "设备收不到控制器心跳。" },
  },
  unconfirmed: {
    tone: "warn",
    name: { en: "Failsafe unconfirmed", zh: "失联限值未确认" },
    told: { en: "It is asked for nothing until it shows its failsafe.", zh: "在其确认失联限值之前不对其下发请求。" },
  },
  unreliable: {
    tone: "warn",
    name: { en: "Unreliable", zh: "履约率低" },
    told: { en: "It seldom does what it is asked.", zh: "很少按请求执行。" },
  },
  good: { tone: "normal", name: { en: "Good", zh: "正常" }, told: { en: "Nothing is amiss.", zh: "无异常。" } },
};

const PROTOCOLS: Readonly<Record<DeviceRow["protocol"], string>> = {
  mqtt: "MQTT",
  modbus: "Modbus",
  sunspec: "SunSpec",
  ocpp: "OCPP",
  openadr: "OpenADR",
};
export const protocolText = (row: DeviceRow): string =>
  row.address ? `${PROTOCOLS[row.protocol]} · ${row.address}` : PROTOCOLS[row.protocol];

const TAGS: Readonly<Record<string, Text>> = {
  medical: { en: "medical equipment", zh: "医疗设备用户" },
  critical: { en: "critical", zh: "重要用户" },
  sensitive_to_outages: { en: "sensitive to outages", zh: "停电敏感" },
  elderly: { en: "elderly", zh: "老年人" },
  no_night_calls: { en: "no words at night", zh: "夜间免打扰" },
  night_calls_ok: { en: "words at night are fine", zh: "可夜间通知" },
  ev_owner: { en: "drives electric", zh: "电动车车主" },
};
export const tagText = (tag: string): string => (TAGS[tag] ? t(TAGS[tag]) : tag);

/** In its own words, as those who speak it read it. */
export const languageName = (code: string): string => LANGUAGES[code as Language] ?? code;

export const customerHref = (customer: string): string => `#/customers/one/${encodeURIComponent(customer)}`;
export const deviceHref = (row: { feeder: string; device: string }): string =>
  `#/customers/device/${encodeURIComponent(row.feeder)}/${encodeURIComponent(row.device)}`;

const FEEDERS_EVERY_MS = 600_000;

/** Ids of all feeders, for choosing one. */
export function useFeederIds(): readonly string[] {
  const found = useResource((signal) => body(client.GET("/api/v1/feeders", { signal })), [], FEEDERS_EVERY_MS);
  return found.data?.feeders.map((one) => one.id) ?? [];
}
