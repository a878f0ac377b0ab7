import { useState } from "preact/hooks";
import { useLocation } from "wouter-preact";
import { body, client } from "../../api/client";
import type { paths } from "../../api/schema";
import { kwh, percent, when } from "../../format";
import { Choice, Field } from "../../parts/field";
import { Panel } from "../../parts/page";
import { PagesFoot, usePages } from "../../parts/pages";
import { Status, type Tone } from "../../parts/status";
import { Table, type Column } from "../../parts/table";
import { t } from "../../words";
import { amount } from "./amounts";
import { words } from "./words";

type Row = paths["/api/v1/settlements"]["get"]["responses"][200]["content"]["application/json"]["items"][number];
type Outcome = Row["outcome"];
const OUTCOMES: readonly Outcome[] = ["credited", "nothing_shown", "too_little_data", "refused_or_silent"];
const TONES: Readonly<Record<Outcome, Tone>> = {
  credited: "normal",
  nothing_shown: "off",
  too_little_data: "warn",
  refused_or_silent: "off",
};

export function Settlements() {
  const [, go] = useLocation();
  const [outcome, setOutcome] = useState<Outcome | "all">("all");
  const [customer, setCustomer] = useState("");
  const filter = { ...(outcome === "all" ? {} : { outcome }), ...(customer.trim() ? { customer: customer.trim() } : {}) };
  const pages = usePages<Row>(
    (after) => body(client.GET("/api/v1/settlements", { params: { query: { ...filter, ...(after === null ? {} : { after: String(after) }) } } })),
    [outcome, customer.trim()],
  );
  const options = [
    { value: "all" as const, name: words.allOutcomes },
    ...OUTCOMES.map((value) => ({ value, name: words.outcomes[value] })),
  ];
  return (
    <Panel title={words.settlements} tools={<Choice label={words.outcome} value={outcome} options={options} onChange={setOutcome} />}>
      <Field label={words.findCustomer}>
        {(tie) => <input {...tie} type="search" value={customer} onChange={(event) => setCustomer(event.currentTarget.value)} />}
      </Field>
      {pages.items.length > 0 && (
        <Table
          caption={words.settlements}
          columns={COLUMNS}
          rows={pages.items}
          id={(row) => row.request}
          onOpen={(row) => go(`/settlements/${encodeURIComponent(row.request)}`)}
        />
      )}
      <PagesFoot of={pages} none={t(words.noSettlements)} />
    </Panel>
  );
}

const COLUMNS: readonly Column<Row>[] = [
  { key: "at", name: words.settledAt, cell: (row) => when(row.settled_at), order: (row) => row.settled_at },
  { key: "customer", name: words.customer, cell: (row) => row.customer, order: (row) => row.customer },
  { key: "device", name: words.device, cell: (row) => row.target, order: (row) => row.target },
  { key: "feeder", name: words.feeder, cell: (row) => row.feeder, order: (row) => row.feeder },
  { key: "asked", name: words.asked, isFigure: true, cell: (row) => kwh(row.asked_kwh, 2), order: (row) => row.asked_kwh },
  { key: "proven", name: words.proven, isFigure: true, cell: (row) => kwh(row.reduced_kwh, 2), order: (row) => row.reduced_kwh },
  {
    key: "compliance",
    name: words.compliance,
    isFigure: true,
    cell: (row) => percent(row.compliance_percent),
    order: (row) => row.compliance_percent,
  },
  { key: "points", name: words.pointsHead, isFigure: true, cell: (row) => amount(row.points, "points"), order: (row) => row.points },
  {
    key: "money",
    name: words.money,
    isFigure: true,
    cell: (row) => amount(row.minor_units, row.currency),
    order: (row) => row.minor_units,
  },
  {
    key: "outcome",
    name: words.outcome,
    cell: (row) => (
      <Status tone={TONES[row.outcome]}>
        {t(words.outcomes[row.outcome])} {row.version > 0 && t(words.corrected(row.version))}
      </Status>
    ),
    order: (row) => row.outcome,
  },
];
