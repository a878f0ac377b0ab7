// Points and money by the unit that the ledger names: `points`, or a currency with its smallest unit, `EUR-cent`.

import { money, plain, withUnit } from "../../format";
import { t } from "../../words";
import { words } from "./words";

export function amount(value: number | null | undefined, unit: string): string {
  if (unit === "points") return withUnit(value, t(words.points));
  const [currency, small] = unit.split("-");
  if (value !== null && value !== undefined && small && /^[A-Z]{3}$/.test(currency ?? "")) return money(value, currency as string);
  return `${plain(value)} ${unit}`;
}
