// Screen 2: one feeder, as drawing and in lists; `#/feeders/F1/line:3` looks at one of its elements.

import { Route, Switch } from "wouter-preact";
import { FeederPage } from "./feeder_page";
import { Feeders } from "./feeders";
import "./feeder.css";

export default function Screen() {
  return (
    <Switch>
      <Route path="/:feeder/:element?">
        {({ feeder, element }: { feeder: string; element?: string }) => (
          <FeederPage
            key={feeder}
            id={decodeURIComponent(feeder)}
            element={element === undefined ? null : decodeURIComponent(element)}
          />
        )}
      </Route>
      <Route>
        <Feeders />
      </Route>
    </Switch>
  );
}
