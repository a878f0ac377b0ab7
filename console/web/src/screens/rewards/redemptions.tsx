import { useState } from "preact/hooks";
import { body, client } from "../../api/client";
import { useResource } from "../../api/resource";
import type { paths } from "../../api/schema";
import { when } from "../../format";
import { CommandDialog } from "../../parts/command_dialog";
import { Panel } from "../../parts/page";
import { Known } from "../../parts/states";
import { Table, type Column } from "../../parts/table";
import { may } from "../../session";
import { t } from "../../words";
import { amount } from "./amounts";
import { Why } from "./why";
import { words } from "./words";

type Redemption = paths["/api/v1/redemptions"]["get"]["responses"][200]["content"]["application/json"]["items"][number];
type Step = "fulfil" | "void";

export function Redemptions() {
  const waiting = useResource((signal) => body(client.GET("/api/v1/redemptions", { signal })), [], 30_000);
  const [chosen, setChosen] = useState<{ one: Redemption; step: Step } | null>(null);
  const columns: readonly Column<Redemption>[] = [
    ...COLUMNS,
    {
      key: "steps",
      name: words.decision,
      cell: (one) => (
        <span class="row">
          {(["fulfil", "void"] as const).map((step) => (
            <button key={step} type="button" disabled={!may("rewards")} onClick={() => setChosen({ one, step })}>
              {t(words[step])}
            </button>
          ))}
        </span>
      ),
    },
  ];
  return (
    <Panel title={words.redemptions}>
      <Known of={waiting} none={words.noRedemptions} isEmpty={(known) => known.items.length === 0}>
        {(known) => (
          <>
            <Table caption={words.redemptions} columns={columns} rows={known.items} id={(one) => one.redemption} />
            {known.more > 0 && <p class="muted">{t(words.moreWait(known.more))}</p>}
          </>
        )}
      </Known>
      {chosen && (
        <StepDialog
          {...chosen}
          onClose={() => {
            setChosen(null);
            waiting.reload();
          }}
        />
      )}
    </Panel>
  );
}

const COLUMNS: readonly Column<Redemption>[] = [
  { key: "redemption", name: words.redemption, cell: (one) => one.redemption },
  { key: "customer", name: words.customer, cell: (one) => one.customer, order: (one) => one.customer },
  { key: "item", name: words.item, cell: (one) => one.item, order: (one) => one.item },
  { key: "points", name: words.pointsHead, isFigure: true, cell: (one) => amount(one.points, "points"), order: (one) => one.points },
  { key: "deadline", name: words.deadline, cell: (one) => when(one.deadline), order: (one) => one.deadline ?? null },
];

function StepDialog({ one, step, onClose }: { one: Redemption; step: Step; onClose: () => void }) {
  const [reason, setReason] = useState("");
  const sendIt = (headers: { "idempotency-key": string }): Promise<unknown> => {
    const order = { params: { path: { redemption: one.redemption } }, body: { reason }, headers };
    return step === "fulfil"
      ? client.POST("/api/v1/redemptions/{redemption}/fulfil", order)
      : client.POST("/api/v1/redemptions/{redemption}/void", order);
  };
  const title = step === "fulfil" ? words.fulfilTitle : words.voidTitle;
  return (
    <CommandDialog title={title} confirm={words[step]} asked={reason} sendIt={sendIt} onClose={onClose}>
      {(fault) => (
        <>
          <p>
            {one.redemption}: {one.item}, {one.customer}, {amount(one.points, "points")}
          </p>
          <Why value={reason} fault={fault} onChange={setReason} />
        </>
      )}
    </CommandDialog>
  );
}
