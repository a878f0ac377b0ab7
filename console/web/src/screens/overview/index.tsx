// Screen 1: the whole site, readable in five seconds. How many feeders are overloaded, which event runs, whether
// the automatic is on and the data are good, and what changed since the shift began.

import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { fetchOverview, overviewProblem, totals } from "../../live/overview";
import { Page } from "../../parts/page";
import { Loading, ProblemNote } from "../../parts/states";
import { ChangesPanel } from "./changes";
import { FeedersTable } from "./feeders_table";
import { Figures } from "./figures";
import "./overview.css";
import { words } from "./words";

/** Kept while one goes to a feeder and comes back. */
const wanted = signal("");

export default function Screen() {
  useEffect(() => void fetchOverview(), []);
  const known = totals.value;
  return (
    <Page title={words.title}>
      {known ? (
        <>
          <Figures of={known} />
          <FeedersTable wanted={wanted} />
          <ChangesPanel />
        </>
      ) : overviewProblem.value === undefined ? (
        <Loading />
      ) : (
        <ProblemNote problem={overviewProblem.value} again={() => void fetchOverview()} />
      )}
    </Page>
  );
}
