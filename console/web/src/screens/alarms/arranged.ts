// What a flood puts together, as rows: heads, and below them what somebody unfolded.

import type { Alarm } from "./alarm_store";

/** Heads in their order, each followed by what is under it where that is unfolded; how many that are. */
export function arranged(
  alarms: readonly Alarm[],
  unfolded: ReadonlySet<string>,
): { rows: readonly Alarm[]; under: ReadonlyMap<string, number> } {
  const there = new Set(alarms.map((one) => one.alarm));
  const groups = new Map<string, Alarm[]>();
  const rows: Alarm[] = [];
  for (const one of alarms) {
    const head = one.grouped_under;
    if (head !== null && there.has(head)) groups.set(head, [...(groups.get(head) ?? []), one]);
  }
  for (const one of alarms) {
    if (one.grouped_under !== null && there.has(one.grouped_under)) continue;
    rows.push(one, ...(unfolded.has(one.alarm) ? (groups.get(one.alarm) ?? []) : []));
  }
  return { rows, under: new Map([...groups].map(([head, some]) => [head, some.length])) };
}
