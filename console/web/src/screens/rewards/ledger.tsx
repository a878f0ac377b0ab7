import { body, client } from "../../api/client";
import { useResource } from "../../api/resource";
import type { paths } from "../../api/schema";
import { plain } from "../../format";
import { Panel } from "../../parts/page";
import { Known } from "../../parts/states";
import { Status } from "../../parts/status";
import { Table, type Column } from "../../parts/table";
import { t } from "../../words";
import { amount } from "./amounts";
import { words } from "./words";

type Group = paths["/api/v1/ledger"]["get"]["responses"][200]["content"]["application/json"]["groups"][number];

export function Ledger() {
  const ledger = useResource((signal) => body(client.GET("/api/v1/ledger", { signal })), [], 60_000);
  return (
    <Panel title={words.ledger}>
      <Known of={ledger} none={words.noEntries} isEmpty={(known) => known.groups.length === 0}>
        {(known) => (
          <>
            {Object.entries(known.sums).map(([unit, sum]) => (
              <p key={unit}>
                {sum === 0 ? (
                  <Status tone="good">{t(words.balanced(unit))}</Status>
                ) : (
                  <Status tone="bad">{t(words.unbalanced(unit, plain(sum)))}</Status>
                )}
              </p>
            ))}
            <Table caption={words.ledger} columns={COLUMNS} rows={known.groups} id={(group) => group.group + group.unit} />
          </>
        )}
      </Known>
    </Panel>
  );
}

const COLUMNS: readonly Column<Group>[] = [
  { key: "group", name: words.group, cell: (group) => t(words.groups[group.group]), order: (group) => group.group },
  { key: "accounts", name: words.accounts, isFigure: true, cell: (group) => plain(group.accounts), order: (group) => group.accounts },
  { key: "amount", name: words.amount, isFigure: true, cell: (group) => amount(group.amount, group.unit), order: (group) => group.amount },
];
