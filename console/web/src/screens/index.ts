// All screens, in the order of the navigation. Each is loaded when somebody first goes there.

import type { ComponentType } from "preact";
import type { IconName } from "../parts/icon";
import type { Text } from "../words";

export interface Screen {
  readonly path: string;
  readonly name: Text;
  readonly icon: IconName;
  /** Who may see it; without one, whoever may look. */
  readonly permission?: string;
  readonly load: () => Promise<{ default: ComponentType }>;
}

export const SCREENS: readonly Screen[] = [
  { path: "/", name: { en: "Overview", zh: "总览" }, icon: "overview", load: () => import("./overview") },
  { path: "/feeders", name: { en: "Feeder", zh: "馈线" }, icon: "feeder", load: () => import("./feeder") },
  { path: "/alarms", name: { en: "Alarms", zh: "告警" }, icon: "alarm", load: () => import("./alarms") },
  { path: "/events", name: { en: "Events", zh: "事件" }, icon: "event", load: () => import("./events") },
  { path: "/commands", name: { en: "Commands", zh: "指令" }, icon: "command", load: () => import("./commands") },
  {
    path: "/customers",
    name: { en: "Customers", zh: "用户与设备" },
    icon: "customer",
    permission: "customers",
    load: () => import("./customers"),
  },
  {
    path: "/rewards",
    name: { en: "Rewards", zh: "奖励" },
    icon: "reward",
    permission: "customers",
    load: () => import("./rewards"),
  },
  { path: "/system", name: { en: "System", zh: "系统" }, icon: "system", load: () => import("./system") },
  { path: "/handover", name: { en: "Hand-over", zh: "交接班" }, icon: "handover", load: () => import("./handover") },
];
