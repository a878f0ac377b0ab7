// What a limit bounds: what devices take, or what inverters feed in. Asked where inverters are chosen.

import type { operations } from "../../api/schema";
import { Field } from "../../parts/field";
import type { Layout } from "../../parts/network/layout";
import { t, type Text } from "../../words";

type Draft = operations["draft_api_v1_feeders__feeder__orders_post"]["requestBody"]["content"]["application/json"];
export type Direction = NonNullable<Draft["direction"]>;

const words = {
  what: { en: "What is limited", zh: "限制内容" },
  whatHint: { en: "Who cannot be limited so is left out.", zh: "不适用的设备不受影响。" },
  taken: { en: "Limit for each device, kW", zh: "单台设备限值（kW）" },
  fedIn: { en: "Feed-in limit for each inverter, kW", zh: "单台逆变器馈入限值（kW）" },
};
const DIRECTIONS: Readonly<Record<Direction, Text>> = {
  consumption: { en: "what devices take", zh: "设备用电功率" },
  production: { en: "what inverters feed in", zh: "逆变器馈入功率" },
};
const isDirection = (value: string): value is Direction => value in DIRECTIONS;
export const feedsIn = (kind: string | undefined): boolean => kind === "pv_inverter";

/** Devices and customers of a feeder, by what can be limited at them. */
export interface Limitable {
  readonly taking: ReadonlySet<string>;
  readonly feedingIn: ReadonlySet<string>;
}

const known = new WeakMap<Layout, Limitable>();

export function limitableOn(layout: Layout): Limitable {
  const before = known.get(layout);
  if (before) return before;
  const { devices, service_points: points } = layout;
  const [taking, feedingIn] = [new Set<string>(), new Set<string>()];
  devices.id.forEach((id, place) => {
    const found = feedsIn(devices.kind[place]) ? feedingIn : taking;
    const customer = points.customer[devices.service_point[place]!];
    found.add(id);
    if (customer) found.add(customer);
  });
  known.set(layout, { taking, feedingIn });
  return { taking, feedingIn };
}

/** What is asked where nothing was said: of inverters alone what they feed in, for they take nothing. Null: nobody
 * of these can feed in, and there is no choice. */
export function usualDirection(targets: readonly string[], limitable: Limitable): Direction | null {
  if (!targets.some((one) => limitable.feedingIn.has(one))) return null;
  return targets.some((one) => limitable.taking.has(one)) ? "consumption" : "production";
}

export const limitLabel = (direction: Direction): Text => (direction === "production" ? words.fedIn : words.taken);

interface DirectionChoiceProps {
  direction: Direction;
  onChange: (direction: Direction) => void;
}

export function DirectionChoice({ direction, onChange }: DirectionChoiceProps) {
  return (
    <Field label={words.what} hint={words.whatHint}>
      {(tie) => (
        <select
          {...tie}
          value={direction}
          onChange={({ currentTarget: { value } }) => isDirection(value) && onChange(value)}
        >
          {Object.entries(DIRECTIONS).map(([one, name]) => (
            <option key={one} value={one}>
              {t(name)}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}
