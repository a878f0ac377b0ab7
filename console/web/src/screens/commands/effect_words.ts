// Why an order leaves somebody out, and what is to be known before it is given: the controller's words by their
// codes, in both languages.

import { kw } from "../../format";
import { t, type Text } from "../../words";
import type { WhatIf } from "./order_api";

export const REASONS: Readonly<Record<string, Text>> = {
  feeds_in: { en: "it has no consumption to limit", zh: "无可限制的用电" },
  no_feed_in: { en: "it has no feed-in that can be limited", zh: "无可限制的馈入" },
  protected: { en: "it or its customer is critical", zh: "设备或用户属重要负荷" },
  excluded: { en: "an operator took it out", zh: "已被值班员排除" },
  failsafe_not_shown: { en: "it does not show its failsafe", zh: "未上报其故障保护设定" },
  power_not_known: { en: "it is offline, or its power is not known", zh: "离线或功率未知" },
  being_released: { en: "it is being released just now", zh: "正在解除限制" },
  above_rating: { en: "its rated power is no more than that in any case", zh: "其额定功率本不超过该值" },
  gate_refused: { en: "the safety gate does not let it pass", zh: "安全校验未通过" },
};

export const CAUTIONS: Readonly<Record<string, Text>> = {
  data_not_good: { en: "The data are not good: this may not be right.", zh: "数据质量不佳，结果可能不准确。" },
  no_solution_now: { en: "No load flow exists now: nothing is known.", zh: "当前潮流不收敛，结果未知。" },
  no_solution_then: { en: "No load flow exists then: the voltage may collapse.", zh: "执行后潮流不收敛，可能电压崩溃。" },
  new_violations: { en: "Something would leave its limits that is within them now.", zh: "将产生新的越限。" },
  still_violated: { en: "Something stays outside its limits.", zh: "仍有元件越限。" },
  was_excluded: {
    en: "An operator took it out before; it would be limited all the same.",
    zh: "此前已被值班员排除，仍将被限功率。",
  },
  automatic_stays_out: { en: "The automatic asks nobody afterwards.", zh: "此后自动控制不再动作。" },
  automatic_takes_over: {
    en: "The automatic decides afterwards, and may ask for more.",
    zh: "此后由自动控制决定，可能进一步限功率。",
  },
  power_not_known: { en: "What comes back at some is not known.", zh: "部分设备恢复功率未知。" },
};

const moved = {
  less: (kw: string): Text => ({ en: `${kw} less is taken`, zh: `用电减少 ${kw}` }),
  more: (kw: string): Text => ({ en: `${kw} more is taken`, zh: `用电增加 ${kw}` }),
  lessFedIn: (kw: string): Text => ({ en: `${kw} less is fed in`, zh: `馈入减少 ${kw}` }),
  moreFedIn: (kw: string): Text => ({ en: `${kw} more is fed in`, zh: `馈入增加 ${kw}` }),
  same: { en: "Nobody takes more or less", zh: "用电功率不变" },
};
const NEARLY_NOTHING_KW = 0.05;

/** What orders move: of what is taken, and of what is fed in. */
export function movedText({ curtailed_kw: curtailed, less_fed_in_kw: lessFedIn }: WhatIf): string {
  const lessTaken = curtailed + lessFedIn;
  const parts: Text[] = [];
  if (Math.abs(lessTaken) >= NEARLY_NOTHING_KW) parts.push(lessTaken > 0 ? moved.less(kw(lessTaken)) : moved.more(kw(-lessTaken)));
  if (Math.abs(lessFedIn) >= NEARLY_NOTHING_KW) parts.push(lessFedIn > 0 ? moved.lessFedIn(kw(lessFedIn)) : moved.moreFedIn(kw(-lessFedIn)));
  return parts.length === 0 ? t(moved.same) : parts.map(t).join(t({ en: ", ", zh: "，" }));
}
