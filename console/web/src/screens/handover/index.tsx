// The shift log: this shift with its notes and what happened, the hand-over, and the shifts before. Printable.

import { Route, Switch, useLocation } from "wouter-preact";
import { clockTime, dateText, siteNowMs } from "../../format";
import { Icon } from "../../parts/icon";
import { Page } from "../../parts/page";
import { Empty } from "../../parts/states";
import { entrance, who } from "../../session";
import { t, verbatim } from "../../words";
import { words } from "./handover_words";
import "./handover.css";
import { OnePastShift, PastShifts } from "./past";
import { PresentShift } from "./present";

export default function HandOver() {
  if (!who.value) {
    return (
      <Page title={words.title}>
        <Empty>{t(words.notYours)}</Empty>
      </Page>
    );
  }
  return (
    <Switch>
      <Route path="/past/:shift">
        {({ shift }) => (
          <Page key={shift} title={verbatim(`${t(words.shift)} ${shift}`)} tools={<Tools />}>
            <Printed />
            <OnePastShift shift={Number(shift)} />
          </Page>
        )}
      </Route>
      <Route path="/past">
        <Page title={words.title} tools={<Tools />}>
          <PastShifts />
        </Page>
      </Route>
      <Route>
        <Page title={words.title} tools={<Tools />}>
          <Printed />
          <PresentShift />
        </Page>
      </Route>
    </Switch>
  );
}

/** On paper the frame is missing: whose site it is, and of when. */
function Printed() {
  return (
    <p class="printed">
      {entrance.value?.site} · {dateText(siteNowMs.value)} {clockTime(siteNowMs.value)}
    </p>
  );
}

function Tools() {
  const [path] = useLocation();
  const isPast = path.startsWith("/past");
  const here = (is: boolean) => (is ? { "aria-current": "page" as const } : {});
  return (
    <>
      <nav class="handover-parts" aria-label={t(words.title)}>
        <a href="#/handover" {...here(!isPast)}>
          {t(words.present)}
        </a>
        <a href="#/handover/past" {...here(isPast)}>
          {t(words.before)}
        </a>
      </nav>
      {path !== "/past" && (
        <button type="button" onClick={() => print()}>
          <Icon name="print" /> {t(words.print)}
        </button>
      )}
    </>
  );
}
