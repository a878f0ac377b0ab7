// What an order is foreseen to do, by load flow: before and after side by side, who gives what, who is left out.

import { Fragment, type ComponentChildren } from "preact";
import { kw, percent, perUnit, when } from "../../format";
import { Status } from "../../parts/status";
import { t, type Text } from "../../words";
import { CAUTIONS, REASONS } from "./effect_words";
import type { WhatIf } from "./order_api";

const words = {
  caption: { en: "Foreseen effect", zh: "预计效果" },
  now: { en: "Now", zh: "当前" },
  then: { en: "Then", zh: "执行后" },
  highest: { en: "Highest loading", zh: "最高负载率" },
  lowest: { en: "Lowest voltage", zh: "最低电压" },
  outside: { en: "Outside their limits", zh: "越限元件" },
  substation: { en: "Power of the substation", zh: "台区功率" },
  noSolution: { en: "no load flow solution", zh: "潮流不收敛" },
  less: (kw: string): Text => ({ en: `${kw} less is taken`, zh: `共减少 ${kw}` }),
  more: (kw: string): Text => ({ en: `${kw} more is taken`, zh: `共增加 ${kw}` }),
  same: { en: "Nobody takes more or less", zh: "用电功率不变" },
  customers: (count: number): Text => ({
    en: `${count} ${count === 1 ? "customer is" : "customers are"} affected`,
    zh: `影响 ${count} 户`,
  }),
  critical: (names: string): Text => ({ en: `Critical, never limited: ${names}`, zh: `重要用户，不限功率：${names}` }),
  reach: (share: string): Text => ({
    en: `It moves ${share} of the feeder's controllable power`,
    zh: `调节幅度占馈线可控功率的 ${share}`,
  }),
  devices: (count: number): Text => ({ en: `${count} devices`, zh: `${count} 台设备` }),
  oneDevice: { en: "1 device", zh: "1 台设备" },
  device: { en: "Device", zh: "设备" },
  limit: { en: "Limit", zh: "限值" },
  free: { en: "free", zh: "不限" },
  floor: { en: "its minimum", zh: "保障功率" },
  leftOut: { en: "Not reached", zh: "不受影响" },
  at: (at: string): Text => ({ en: `By the readings of ${at}`, zh: `依据 ${at} 的量测` }),
};
const NEARLY_NOTHING_KW = 0.05;

export function Effect({ effect }: { effect: WhatIf }) {
  const { curtailed_kw: less } = effect;
  const moved = Math.abs(less) < NEARLY_NOTHING_KW ? words.same : less > 0 ? words.less(kw(less)) : words.more(kw(-less));
  return (
    <div class="effect">
      {effect.cautions.map(({ code, text }) => (
        <p key={code}>
          <Status tone="warn">{CAUTIONS[code] ? t(CAUTIONS[code]) : text}</Status>
        </p>
      ))}
      <Compared effect={effect} />
      <p>
        {t(moved)}
        {effect.customers.length > 0 && <> · {t(words.customers(effect.customers.length))}</>}
      </p>
      {effect.reach_percent > 0 && <p class="muted">{t(words.reach(percent(effect.reach_percent)))}</p>}
      {effect.critical_customers.length > 0 && <p>✚ {t(words.critical(effect.critical_customers.join(", ")))}</p>}
      <Devices effect={effect} />
      <LeftOut effect={effect} />
      <p class="muted small">{t(words.at(when(effect.at)))}</p>
    </div>
  );
}

function Compared({ effect: { before, after } }: { effect: WhatIf }) {
  const row = (name: Text, say: (of: WhatIf["before"]) => ComponentChildren) => (
    <tr>
      <th scope="row">{t(name)}</th>
      <td class="figure">{before.converged ? say(before) : t(words.noSolution)}</td>
      <td class="figure">{after.converged ? say(after) : <Status tone="bad">{t(words.noSolution)}</Status>}</td>
    </tr>
  );
  return (
    <table class="compared">
      <caption class="unseen">{t(words.caption)}</caption>
      <thead>
        <tr>
          <td />
          <th scope="col" class="figure">
            {t(words.now)}
          </th>
          <th scope="col" class="figure">
            {t(words.then)}
          </th>
        </tr>
      </thead>
      <tbody>
        {row(words.highest, (of) => percent(of.highest_loading_percent))}
        {row(words.lowest, (of) => perUnit(of.lowest_v_pu))}
        {row(words.outside, (of) => (of.violations.length ? <Status tone="bad">{of.violations.length}</Status> : 0))}
        {row(words.substation, (of) => kw(of.substation_p_kw))}
      </tbody>
    </table>
  );
}

function Devices({ effect: { devices } }: { effect: WhatIf }) {
  if (devices.length === 0) return null;
  return (
    <details>
      <summary>{t(devices.length === 1 ? words.oneDevice : words.devices(devices.length))}</summary>
      <table>
        <thead>
          <tr>
            <th scope="col">{t(words.device)}</th>
            <th scope="col" class="figure">
              {t(words.now)}
            </th>
            <th scope="col" class="figure">
              {t(words.then)}
            </th>
            <th scope="col" class="figure">
              {t(words.limit)}
            </th>
          </tr>
        </thead>
        <tbody>
          {devices.map((one) => (
            <tr key={one.device}>
              <th scope="row">{one.device}</th>
              <td class="figure">{kw(one.before_kw)}</td>
              <td class="figure">{kw(one.after_kw)}</td>
              <td class="figure">
                {one.limit_kw === null ? t(words.free) : kw(one.limit_kw)}
                {one.is_at_floor && <span class="muted"> ({t(words.floor)})</span>}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  );
}

function LeftOut({ effect: { left_out: leftOut } }: { effect: WhatIf }) {
  if (leftOut.length === 0) return null;
  return (
    <dl class="left-out">
      <dt>{t(words.leftOut)}</dt>
      {leftOut.map(({ device, reason, text }) => (
        <Fragment key={device}>
          <dd>
            {device}: {REASONS[reason] ? t(REASONS[reason]) : text}
          </dd>
        </Fragment>
      ))}
    </dl>
  );
}
