// How Gridward itself is: links, sources, queues, journal, cycles and process; the settings in force; the log.

import { Route, Switch, useLocation } from "wouter-preact";
import { body, client } from "../../api/client";
import { useResource } from "../../api/resource";
import { Choice } from "../../parts/field";
import { Page } from "../../parts/page";
import { Known } from "../../parts/states";
import { may } from "../../session";
import { Config } from "./config";
import { Health } from "./health";
import { Log } from "./log";
import { words } from "./words";
import "./system.css";

const EVERY_MS = 3_000;
type Part = "/" | "/config" | "/log";

export default function System() {
  const [path, go] = useLocation();
  const here: Part = path === "/config" || path === "/log" ? path : "/";
  const parts = [
    { value: "/" as Part, name: words.health },
    { value: "/config" as Part, name: words.config },
    { value: "/log" as Part, name: words.log },
  ];
  return (
    <Page
      title={words.title}
      tools={may("system") && <Choice label={words.part} value={here} options={parts} onChange={(part) => go(part)} />}
    >
      <Switch>
        <Route path="/config">
          <Config />
        </Route>
        <Route path="/log">
          <Log />
        </Route>
        <Route>
          <Present />
        </Route>
      </Switch>
    </Page>
  );
}

function Present() {
  const system = useResource((signal) => body(client.GET("/api/v1/system", { signal })), [], EVERY_MS);
  return <Known of={system}>{(known) => <Health system={known} />}</Known>;
}
