import { useState } from "preact/hooks";
import { body, client } from "../../api/client";
import { useResource } from "../../api/resource";
import type { paths } from "../../api/schema";
import { when } from "../../format";
import { CommandDialog } from "../../parts/command_dialog";
import { Field } from "../../parts/field";
import { Panel } from "../../parts/page";
import { Known } from "../../parts/states";
import { Table, type Column } from "../../parts/table";
import { may } from "../../session";
import { t } from "../../words";
import { Why } from "./why";
import { words } from "./words";

type Dispute = paths["/api/v1/disputes"]["get"]["responses"][200]["content"]["application/json"]["disputes"][number];
type Decision = "reject" | "stored" | "energy";

export function Disputes() {
  const disputes = useResource((signal) => body(client.GET("/api/v1/disputes", { signal })), [], 30_000);
  const [chosen, setChosen] = useState<Dispute | null>(null);
  const columns: readonly Column<Dispute>[] = [
    ...COLUMNS,
    {
      key: "decide",
      name: words.decision,
      cell: (one) => (
        <button type="button" disabled={!may("disputes")} onClick={() => setChosen(one)}>
          {t(words.decide)}
        </button>
      ),
    },
  ];
  return (
    <Panel title={words.disputes}>
      <Known of={disputes} none={words.noDisputes} isEmpty={(known) => known.disputes.length === 0}>
        {(known) => <Table caption={words.disputes} columns={columns} rows={known.disputes} id={(one) => one.dispute} />}
      </Known>
      {chosen && (
        <DecisionDialog
          dispute={chosen}
          onClose={() => {
            setChosen(null);
            disputes.reload();
          }}
        />
      )}
    </Panel>
  );
}

const COLUMNS: readonly Column<Dispute>[] = [
  { key: "dispute", name: words.dispute, cell: (one) => one.dispute },
  {
    key: "request",
    name: words.request,
    cell: (one) => <a href={`#/rewards/settlements/${encodeURIComponent(one.request)}`}>{one.request}</a>,
  },
  { key: "at", name: words.openedAt, cell: (one) => when(one.at), order: (one) => one.at },
  { key: "who", name: words.by, cell: (one) => one.who, order: (one) => one.who },
  { key: "reason", name: words.reason, cell: (one) => t(words.reasons[one.reason]), order: (one) => one.reason },
];

function DecisionDialog({ dispute, onClose }: { dispute: Dispute; onClose: () => void }) {
  const [decision, setDecision] = useState<Decision>("reject");
  const [energy, setEnergy] = useState("");
  const [why, setWhy] = useState("");
  const isEnergyWrong = decision === "energy" && !/^\d+$/.test(energy.trim());
  const outcome = decision === "reject" ? ("rejected" as const) : ("upheld" as const);
  const order = { outcome, why, readings: [], ...(decision === "energy" ? { reduced_wh: Number(energy) } : {}) };
  const params = { path: { dispute: dispute.dispute } };
  return (
    <CommandDialog
      title={words.decision}
      confirm={words.confirm}
      asked={order}
      sendIt={(headers) => client.POST("/api/v1/disputes/{dispute}/decision", { params, body: order, headers })}
      isReady={!isEnergyWrong}
      onClose={onClose}
    >
      {(fault) => (
        <>
          <p>
            {dispute.request}: {t(words.reasons[dispute.reason])}
          </p>
          <Decisions value={decision} onChange={setDecision} />
          {decision === "energy" && (
            <Field label={words.energy} fault={energy && isEnergyWrong ? t(words.energyFault) : null}>
              {(tie) => <input {...tie} inputMode="numeric" value={energy} required onInput={(event) => setEnergy(event.currentTarget.value)} />}
            </Field>
          )}
          <Why value={why} fault={fault} onChange={setWhy} />
        </>
      )}
    </CommandDialog>
  );
}

const DECISIONS = [
  { value: "reject", name: words.reject },
  { value: "stored", name: words.upholdStored },
  { value: "energy", name: words.upholdEnergy },
] as const;

function Decisions({ value, onChange }: { value: Decision; onChange: (value: Decision) => void }) {
  return (
    <fieldset class="options">
      <legend class="unseen">{t(words.decision)}</legend>
      {DECISIONS.map((one) => (
        <label key={one.value}>
          <input type="radio" name="decision" checked={value === one.value} onChange={() => onChange(one.value)} /> {t(one.name)}
        </label>
      ))}
    </fieldset>
  );
}
