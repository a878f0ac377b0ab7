// Rewards as the control room sees them: programmes and budgets, settlements, disputes, redemptions, the ledger.

import { Route, Switch, useLocation } from "wouter-preact";
import { Choice } from "../../parts/field";
import { Page } from "../../parts/page";
import { Disputes } from "./disputes";
import { Ledger } from "./ledger";
import { Programmes } from "./programmes";
import { Redemptions } from "./redemptions";
import { Settlement } from "./settlement";
import { Settlements } from "./settlements";
import { words } from "./words";

const PARTS = ["/", "/settlements", "/disputes", "/redemptions", "/ledger"] as const;
type Part = (typeof PARTS)[number];
const NAMES = {
  "/": words.programmes,
  "/settlements": words.settlements,
  "/disputes": words.disputes,
  "/redemptions": words.redemptions,
  "/ledger": words.ledger,
};

export default function Rewards() {
  const [path, go] = useLocation();
  const here: Part = PARTS.find((part) => part !== "/" && path.startsWith(part)) ?? "/";
  const options = PARTS.map((value) => ({ value, name: NAMES[value] }));
  return (
    <Page title={words.title} tools={<Choice label={words.part} value={here} options={options} onChange={(part) => go(part)} />}>
      <Switch>
        <Route path="/settlements/:request">{({ request }) => <Settlement request={decodeURIComponent(request)} />}</Route>
        <Route path="/settlements">
          <Settlements />
        </Route>
        <Route path="/disputes">
          <Disputes />
        </Route>
        <Route path="/redemptions">
          <Redemptions />
        </Route>
        <Route path="/ledger">
          <Ledger />
        </Route>
        <Route>
          <Programmes />
        </Route>
      </Switch>
    </Page>
  );
}
