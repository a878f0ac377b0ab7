// Figures, units and times as people read them, in the language in use. Nothing here says a number without
// its unit.

import { signal } from "@preact/signals";
import { language, LOCALES, t } from "./words";

const THIN = "\u202f";
export const NOTHING = "–";

/** The site's own time (milliseconds): that of a simulated site runs elsewhere and faster than the wall's. */
export const siteNowMs = signal<number>(Date.now());

const numbers = new Map<string, Intl.NumberFormat>();
const times = new Map<string, Intl.DateTimeFormat>();

/** A bare number with so many digits after the point; only where the unit stands in the heading. */
export function plain(value: number | null | undefined, digits = 0): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return NOTHING;
  const key = `${language.value}${digits}`;
  let format = numbers.get(key);
  if (!format) {
    const exact = { minimumFractionDigits: digits, maximumFractionDigits: digits };
    numbers.set(key, (format = new Intl.NumberFormat(LOCALES[language.value], exact)));
  }
  return format.format(value);
}

export function withUnit(value: number | null | undefined, unit: string, digits = 0): string {
  const figure = plain(value, digits);
  return figure === NOTHING ? NOTHING : `${figure}${THIN}${unit}`;
}

/** Whole, but a tenth near its limit, where it decides: what is over it is never told as at it, nor what is not. */
export function percent(value: number | null | undefined, its?: number | null): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return NOTHING;
  const limit = its ?? 100;
  const digits = Math.abs(value - limit) < 1 && value !== limit ? 1 : 0;
  const steps = 10 ** digits;
  let told = Math.round(value * steps);
  if (value > limit && told <= limit * steps) told = Math.floor(limit * steps) + 1;
  if (value < limit && told >= limit * steps) told = Math.ceil(limit * steps) - 1;
  return withUnit(told / steps, "%", digits);
}
export const kw = (value: number | null | undefined, digits = 1): string => withUnit(value, "kW", digits);
/** kW of a request, which are of what is fed in where that is what it bounds. */
export const boundKw = (value: number | null | undefined, direction: "consumption" | "production" | undefined): string =>
  direction !== "production" || value === null || value === undefined ? kw(value) : t({ en: `${kw(value)} fed in`, zh: `馈入 ${kw(value)}` });
export const kwh = (value: number | null | undefined, digits = 1): string => withUnit(value, "kWh", digits);
export const perUnit = (value: number | null | undefined): string => withUnit(value, "pu", 3);

/** Money in the smallest unit of its currency. */
export function money(minorUnits: number, currency: string): string {
  const format = new Intl.NumberFormat(LOCALES[language.value], { style: "currency", currency });
  const digits = format.resolvedOptions().maximumFractionDigits ?? 2;
  return format.format(minorUnits / 10 ** digits);
}

type Instant = string | number | Date;

function timeText(at: Instant, options: Intl.DateTimeFormatOptions): string {
  const key = language.value + JSON.stringify(options);
  let format = times.get(key);
  if (!format) times.set(key, (format = new Intl.DateTimeFormat(LOCALES[language.value], options)));
  return format.format(new Date(at));
}

/** The browser's time of day. */
export const clockTime = (at: Instant, seconds = true): string =>
  timeText(at, { hour: "2-digit", minute: "2-digit", hour12: false, ...(seconds ? { second: "2-digit" } : {}) });

export const dateText = (at: Instant): string => timeText(at, { year: "numeric", month: "short", day: "numeric" });

/** A time of day, with its date when that is not the site's today. */
export function when(at: Instant | null | undefined, seconds = true): string {
  if (at === null || at === undefined) return NOTHING;
  const time = clockTime(at, seconds);
  const sameDay = new Date(at).toDateString() === new Date(siteNowMs.value).toDateString();
  return sameDay ? time : `${dateText(at)} ${time}`;
}

/** A length of time: `45 s`, `12 min`, `3 h 20 min`, `2 d 4 h`. */
export function span(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return NOTHING;
  const units = language.value === "zh" ? ["秒", "分", "时", "天"] : ["s", "min", "h", "d"];
  const whole = Math.max(0, Math.round(seconds));
  const [s, min, h, d] = units as [string, string, string, string];
  const two = (big: number, bigUnit: string, small: number, smallUnit: string): string =>
    small ? `${big}${THIN}${bigUnit} ${small}${THIN}${smallUnit}` : `${big}${THIN}${bigUnit}`;
  if (whole < 90) return `${whole}${THIN}${s}`;
  if (whole < 3600) return `${Math.round(whole / 60)}${THIN}${min}`;
  if (whole < 86_400) return two(Math.floor(whole / 3600), h, Math.round((whole % 3600) / 60), min);
  return two(Math.floor(whole / 86_400), d, Math.round((whole % 86_400) / 3600), h);
}

/** How long before the site's present, or after it. */
export function ago(at: Instant | null | undefined): string {
  if (at === null || at === undefined) return NOTHING;
  const seconds = (siteNowMs.value - new Date(at).getTime()) / 1000;
  if (language.value === "zh") return seconds >= 0 ? `${span(seconds)}前` : `${span(-seconds)}后`;
  return seconds >= 0 ? `${span(seconds)} ago` : `in ${span(-seconds)}`;
}
