// Screen 2: one feeder, as drawing and in lists.

import { Route, Switch } from "wouter-preact";
import { FeederPage } from "./feeder_page";
import { Feeders } from "./feeders";
import "./feeder.css";

export default function Screen() {
  return (
    <Switch>
      <Route path="/:feeder">
        {({ feeder }: { feeder: string }) => <FeederPage key={feeder} id={decodeURIComponent(feeder)} />}
      </Route>
      <Route>
        <Feeders />
      </Route>
    </Switch>
  );
}
