// Screen 4: what happened. A list of events, and one of them from detection to settlement.

import { Route, Switch } from "wouter-preact";
import { EventList } from "./event_list";
import { EventPage } from "./event_page";
import "./events.css";

export default function Screen() {
  return (
    <Switch>
      <Route path="/:event">
        {({ event }: { event: string }) => <EventPage key={event} id={decodeURIComponent(event)} />}
      </Route>
      <Route>
        <EventList />
      </Route>
    </Switch>
  );
}
