// A time in the shift log: with its date where that is not today, and always on paper, which is read on other days.

import { clockTime, dateText, NOTHING, when } from "../../format";

export function At({ at }: { at: string | null }) {
  if (at === null) return <>{NOTHING}</>;
  const told = when(at, false);
  const isToday = told === clockTime(at, false);
  return (
    <>
      {isToday && <span class="on-paper">{dateText(at)} </span>}
      {told}
    </>
  );
}
