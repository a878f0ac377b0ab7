// What an order is foreseen to do, by load flow: before and after side by side, who gives what, who is left out.

import { Fragment } from "preact";
import { boundKw, percent, when } from "../../format";
import { t, type Text } from "../../words";
import { movedText, REASONS } from "./effect_words";
import { Cautions, Compared } from "./foreseen";
import type { WhatIf } from "./order_api";

const words = {
  now: { en: "Now", zh: "当前" },
  then: { en: "Then", zh: "执行后" },
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
type DeviceEffect = WhatIf["devices"][number];
/** As its limit is told: what an inverter feeds in is above 0. */
const ownKw = (one: DeviceEffect, kw: number): string => boundKw(one.direction === "production" ? 0 - kw : kw, one.direction);

export function Effect({ effect }: { effect: WhatIf }) {
  return (
    <div class="effect">
      <Cautions effect={effect} />
      <Compared effect={effect} then={words.then} />
      <p>
        {movedText(effect)}
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
              <td class="figure">{ownKw(one, one.before_kw)}</td>
              <td class="figure">{ownKw(one, one.after_kw)}</td>
              <td class="figure">
                {one.limit_kw === null ? t(words.free) : boundKw(one.limit_kw, one.direction)}
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
