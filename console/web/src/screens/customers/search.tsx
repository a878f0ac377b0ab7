// Customers by a part of a number; for who may know who they are, by name, address or phone as well.

import { signal } from "@preact/signals";
import { useState } from "preact/hooks";
import { useLocation } from "wouter-preact";
import { body, client } from "../../api/client";
import type { components } from "../../api/schema";
import { plain } from "../../format";
import { Field } from "../../parts/field";
import { Icon } from "../../parts/icon";
import { Panel } from "../../parts/page";
import { PagesFoot, usePages } from "../../parts/pages";
import { Status } from "../../parts/status";
import { Table, type Column } from "../../parts/table";
import { may, who } from "../../session";
import { t } from "../../words";
import { customerHref, words } from "./customer_words";
import { FeederChoice } from "./feeder_choice";

const own = {
  sought: { en: "Number of the customer, service point, meter or device", zh: "用户号、接入点、电表号或设备号" },
  personal: {
    en: "Also finds names, addresses and phone numbers. Whom it shows by these is noted, for the customer to see.",
    zh: "也可按姓名、地址、电话查询。凡由此显示的用户，均会留下可供其本人查询的访问记录。",
  },
  none: { en: "Nobody was found.", zh: "未找到用户。" },
  notices: { en: "Notices", zh: "通知" },
  takes: { en: "takes notices", zh: "接收通知" },
  openRequests: { en: "Open requests", zh: "执行中的请求" },
  found: { en: "Found by", zh: "匹配项" },
  name: { en: "Name", zh: "姓名" },
};
const MATCHED: Readonly<Record<Row["matched"], { en: string; zh: string }>> = {
  id: { en: "number", zh: "编号" },
  name: { en: "name", zh: "姓名" },
  address: { en: "address", zh: "地址" },
  phone: { en: "phone", zh: "电话" },
  email: { en: "e-mail", zh: "邮箱" },
};
type Row = components["schemas"]["CustomerRow"];
interface Sought {
  readonly text: string;
  readonly feeder: string;
  readonly by: string | null;
}

/** Kept while the page is open, so that one comes back to the same list; never in the address, which is kept elsewhere. */
const sought = signal<Sought>({ text: "", feeder: "", by: null });

const COLUMNS: readonly Column<Row>[] = [
  {
    key: "customer",
    name: words.customer,
    cell: (row) => <a href={customerHref(row.customer)}>{row.customer}</a>,
    order: (row) => row.customer,
  },
  { key: "feeder", name: words.feeder, cell: (row) => row.feeder, order: (row) => row.feeder },
  { key: "point", name: words.servicePoint, cell: (row) => row.service_point, order: (row) => row.service_point },
  { key: "meter", name: words.meter, cell: (row) => row.meter, order: (row) => row.meter },
  { key: "devices", name: words.devices, isFigure: true, cell: (row) => plain(row.devices), order: (row) => row.devices },
  {
    key: "open",
    name: own.openRequests,
    isFigure: true,
    cell: (row) => (row.open_requests ? <Status tone="info">{plain(row.open_requests)}</Status> : plain(0)),
    order: (row) => row.open_requests,
  },
  { key: "notices", name: own.notices, cell: (row) => (row.takes_notices ? t(own.takes) : "–") },
  { key: "critical", name: words.critical, cell: (row) => (row.critical ? <Status tone="info">{t(words.neverLimited)}</Status> : "–") },
];
const PERSONAL: readonly Column<Row>[] = [
  { key: "name", name: own.name, cell: (row) => row.name ?? "–" },
  { key: "matched", name: own.found, cell: (row) => t(MATCHED[row.matched]) },
];

export function CustomerSearch() {
  const name = who.value?.name ?? null;
  const mine = sought.value.by === name ? sought.value : { text: "", feeder: "", by: name };
  const [text, setText] = useState(mine.text);
  const [, go] = useLocation();
  const found = usePages<Row>(
    async (after) => {
      const query = {
        q: mine.text,
        ...(mine.feeder ? { feeder: mine.feeder } : {}),
        ...(after === null ? {} : { after: String(after) }),
      };
      return body(client.GET("/api/v1/customers", { params: { query } }));
    },
    [mine.text, mine.feeder, name],
  );
  const isPersonal = found.items.some((row) => row.name);
  return (
    <Panel title={words.customers}>
      <form
        class="search-form"
        role="search"
        onSubmit={(event) => {
          event.preventDefault();
          sought.value = { ...mine, text: text.trim() };
        }}
      >
        <Field label={own.sought} {...(may("personal_data") && who.value?.feeders === null ? { hint: own.personal } : {})}>
          {(tie) => (
            <input {...tie} type="search" value={text} maxLength={100} onInput={(event) => setText(event.currentTarget.value)} />
          )}
        </Field>
        <FeederChoice value={mine.feeder} onChange={(feeder) => (sought.value = { ...mine, feeder })} />
        <button type="submit" class="primary">
          <Icon name="search" /> {t(words.search)}
        </button>
      </form>
      {found.items.length > 0 && (
        <Table
          caption={words.customers}
          columns={isPersonal ? [...COLUMNS, ...PERSONAL] : COLUMNS}
          rows={found.items}
          id={(row) => `${row.feeder}/${row.customer}`}
          onOpen={(row) => go(`/one/${encodeURIComponent(row.customer)}`)}
        />
      )}
      <PagesFoot of={found} none={t(own.none)} />
    </Panel>
  );
}
