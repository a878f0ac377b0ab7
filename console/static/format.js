// Numbers and times as people read them. The API sends plain numbers and UTC; nothing is rounded before here.

import { text } from "./strings.js";

const LOCALE = "en-GB";
const ZONE = "UTC";

const number = (digits) =>
  new Intl.NumberFormat(LOCALE, { minimumFractionDigits: digits, maximumFractionDigits: digits });
const whole = number(0);
const tenth = number(1);
const thousandth = number(3);
const seconds = new Intl.DateTimeFormat(LOCALE, {
  timeZone: ZONE, hour: "2-digit", minute: "2-digit", second: "2-digit",
});
const minutes = new Intl.DateTimeFormat(LOCALE, { timeZone: ZONE, hour: "2-digit", minute: "2-digit" });
const days = new Intl.DateTimeFormat(LOCALE, {
  timeZone: ZONE, weekday: "short", day: "numeric", month: "short", year: "numeric",
});

const known = (value) => value !== null && value !== undefined && Number.isFinite(value);

export const integer = (value) => (known(value) ? whole.format(value) : text.none);

/** Whole percent, but a tenth around 100: 100.3 % over a limit of 100 % must not read as 100 %. */
export function percent(value) {
  if (!known(value)) return text.none;
  const near = Math.abs(value - 100) < 1 && value !== 100;
  return `${(near ? tenth : whole).format(value)}\u202f%`;
}

export const kw = (value) => (known(value) ? `${tenth.format(value)}\u202fkW` : text.none);
export const kwh = (value) => (known(value) ? `${tenth.format(value)}\u202fkWh` : text.none);
export const perUnit = (value) => (known(value) ? `${thousandth.format(value)}\u202fpu` : text.none);
export const clock = (at) => seconds.format(new Date(at));
export const hourMinute = (at) => minutes.format(new Date(at));
export const day = (at) => days.format(new Date(at));

/** How long before `now` something was: "40 s", "12 min", "3 h". */
export function ago(at, now) {
  const passed = Math.max(0, (new Date(now) - new Date(at)) / 1000);
  if (passed < 90) return `${whole.format(passed)} s`;
  return passed < 5400 ? `${whole.format(passed / 60)} min` : `${whole.format(passed / 3600)} h`;
}

/** An amount of a currency's minor unit, named like `EUR-cent`, in the major unit. */
export function money(minorUnits, unit) {
  const code = /^([A-Z]{3})-/.exec(unit)?.[1];
  if (!code) return `${whole.format(minorUnits)} ${unit}`;
  const style = new Intl.NumberFormat(LOCALE, { style: "currency", currency: code });
  return style.format(minorUnits / 10 ** style.resolvedOptions().maximumFractionDigits);
}
