// What both the preview on the feeder's screen and an order's review say of what is foreseen: before and after side by
// side, and what to know first.

import type { ComponentChildren } from "preact";
import { kw, percent, perUnit } from "../../format";
import { Status } from "../../parts/status";
import { t, type Text } from "../../words";
import { CAUTIONS } from "./effect_words";
import type { WhatIf } from "./order_api";

const words = {
  caption: { en: "Foreseen effect", zh: "预计效果" },
  now: { en: "Now", zh: "当前" },
  highest: { en: "Highest loading", zh: "最高负载率" },
  lowest: { en: "Lowest voltage", zh: "最低电压" },
  outside: { en: "Outside their limits", zh: "越限元件" },
  substation: { en: "Power of the substation", zh: "台区功率" },
  noSolution: { en: "no load flow solution", zh: "潮流不收敛" },
};

/** `then` heads what is foreseen. */
export function Compared({ effect: { before, after }, then }: { effect: Pick<WhatIf, "before" | "after">; then: Text }) {
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
            {t(then)}
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

export function Cautions({ effect: { cautions } }: { effect: Pick<WhatIf, "cautions"> }) {
  return (
    <>
      {cautions.map(({ code, text }) => (
        <p key={code}>
          <Status tone="warn">{CAUTIONS[code] ? t(CAUTIONS[code]) : text}</Status>
        </p>
      ))}
    </>
  );
}
