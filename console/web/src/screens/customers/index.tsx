// Customers and devices: found, and shown.

import { Route, Switch, useLocation } from "wouter-preact";
import { Page } from "../../parts/page";
import { t, verbatim } from "../../words";
import { CustomerPage } from "./customer_page";
import { words } from "./customer_words";
import "./customers.css";
import { DevicePage } from "./device_page";
import { DeviceList } from "./devices";
import { CustomerSearch } from "./search";

export default function Customers() {
  return (
    <Switch>
      <Route path="/one/:customer">
        {({ customer }) => (
          <Page key={customer} title={named(words.customer, customer)} tools={<Parts />}>
            <CustomerPage customer={customer} />
          </Page>
        )}
      </Route>
      <Route path="/device/:feeder/:device">
        {({ feeder, device }) => (
          <Page key={device} title={named(words.device, device)} tools={<Parts />}>
            <DevicePage feeder={feeder} device={device} />
          </Page>
        )}
      </Route>
      <Route path="/devices">
        <Page title={words.title} tools={<Parts />}>
          <DeviceList />
        </Page>
      </Route>
      <Route>
        <Page title={words.title} tools={<Parts />}>
          <CustomerSearch />
        </Page>
      </Route>
    </Switch>
  );
}

const named = (what: { en: string; zh: string }, id: string) => verbatim(`${t(what)} ${id}`);

function Parts() {
  const [path] = useLocation();
  const isOfDevices = path.startsWith("/device");
  const here = (is: boolean) => (is ? { "aria-current": "page" as const } : {});
  return (
    <nav class="customer-parts" aria-label={t(words.title)}>
      <a href="#/customers" {...here(!isOfDevices)}>
        {t(words.customers)}
      </a>
      <a href="#/customers/devices" {...here(isOfDevices)}>
        {t(words.devices)}
      </a>
    </nav>
  );
}
