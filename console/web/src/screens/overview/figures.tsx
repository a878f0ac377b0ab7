// The site in six figures: read in five seconds. Grey where all is well.

import { kw, NOTHING } from "../../format";
import type { Totals } from "../../live/overview";
import { Tile, Tiles, type Tone } from "../../parts/status";
import { t } from "../../words";
import { alarmOn, byKind, curtailed, noneHeard, noSolution, notInSum, ofAll, ofAllAndWatched, outOn, words } from "./words";

const abnormal = (count: number, tone: Tone): Tone => (count ? tone : "normal");

export function Figures({ of }: { of: Totals }) {
  const unknown = of.not_converged + of.no_data;
  const notGood = Math.max(of.data_alarms, of.no_data);
  const over = [
    ...(of.overloaded ? [t(byKind(of.overloaded - of.voltage_only, of.voltage_only))] : []),
    t(of.warning ? ofAllAndWatched(of.feeders, of.warning) : ofAll(of.feeders)),
  ];
  const why = [
    of.not_converged ? t(noSolution(of.not_converged)) : "",
    of.no_data ? t(noneHeard(of.no_data)) : "",
  ].filter(Boolean);
  return (
    <Tiles>
      <Tile
        label={t(words.overLimit)}
        value={of.overloaded || t(words.none)}
        tone={abnormal(of.overloaded, "bad")}
        note={over.join(" · ")}
      />
      {unknown > 0 && (
        <Tile
          label={t(words.unknown)}
          value={unknown}
          tone={of.not_converged ? "bad" : "warn"}
          note={why.join(" · ")}
        />
      )}
      <Tile
        label={t(words.events)}
        value={of.events || t(words.none)}
        tone={abnormal(of.events, "warn")}
        note={of.events ? t(curtailed(kw(of.curtailed_kw, 0))) : undefined}
      />
      <Tile
        label={t(words.automatic)}
        value={of.automatic_out ? t(outOn(of.automatic_out)) : t(words.onEverywhere)}
        tone={abnormal(of.automatic_out, "warn")}
      />
      <Tile
        label={t(words.data)}
        value={notGood ? t(alarmOn(notGood)) : t(words.good)}
        tone={abnormal(notGood, "warn")}
      />
      <Tile
        label={t(words.expected)}
        value={of.expected || t(words.none)}
        tone={abnormal(of.expected, "warn")}
      />
      <Tile
        label={t(words.load)}
        value={of.not_in_sum === of.feeders ? NOTHING : kw(of.p_kw, 0)}
        note={of.not_in_sum ? t(notInSum(of.not_in_sum)) : undefined}
      />
    </Tiles>
  );
}
