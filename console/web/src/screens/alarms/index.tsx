// Alarms by ISA-18.2: what waits, what is shelved, what was, and how many there are.

import { Redirect, Route, Switch, useLocation } from "wouter-preact";
import { Page } from "../../parts/page";
import { t } from "../../words";
import "./alarms.css";
import { words } from "./alarm_words";
import { History } from "./history";
import { ActiveAlarms } from "./active";
import { PRIORITIES, type Priority } from "./kind_names";
import { Rate } from "./rate";
import { ShelvedAlarms } from "./shelved";

const PARTS = [
  { path: "/", name: words.active },
  { path: "/shelved", name: words.shelved },
  { path: "/history", name: words.history },
  { path: "/rate", name: words.rate },
] as const;

export default function Alarms() {
  return (
    <Page title={words.title} tools={<Parts />}>
      <Switch>
        <Route path="/shelved" component={ShelvedAlarms} />
        <Route path="/history" component={History} />
        <Route path="/rate" component={Rate} />
        <Route path="/priority/:priority">
          {({ priority }) => <ActiveAlarms key={priority} priority={isPriority(priority) ? priority : null} />}
        </Route>
        <Route path="/one/:alarm">{({ alarm }) => <ActiveAlarms key={alarm} alarm={alarm} />}</Route>
        <Route path="/">
          <ActiveAlarms />
        </Route>
        <Route>
          <Redirect to="/" />
        </Route>
      </Switch>
    </Page>
  );
}

const isPriority = (text: string): text is Priority => (PRIORITIES as readonly string[]).includes(text);

function Parts() {
  const [path] = useLocation();
  return (
    <nav class="alarm-parts" aria-label={t(words.title)}>
      {PARTS.map((part) => {
        const isHere = part.path === "/" ? !PARTS.slice(1).some((other) => path.startsWith(other.path)) : path.startsWith(part.path);
        return (
          <a key={part.path} href={`#/alarms${part.path}`} {...(isHere ? { "aria-current": "page" as const } : {})}>
            {t(part.name)}
          </a>
        );
      })}
    </nav>
  );
}
