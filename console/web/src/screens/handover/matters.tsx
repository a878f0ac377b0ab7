// What stands and whoever takes over has to know, the most pressing first.

import { Empty } from "../../parts/states";
import { Status } from "../../parts/status";
import { Table, type Column } from "../../parts/table";
import { t } from "../../words";
import { At } from "./at";
import { matterKey, matterName, matterWhat, matterWhy, words, type Matter } from "./handover_words";

const COLUMNS: readonly Column<Matter>[] = [
  {
    key: "kind",
    name: words.what,
    cell: (row) => {
      const { tone, name } = matterName(row);
      return <Status tone={tone}>{name}</Status>;
    },
  },
  { key: "feeder", name: words.feeder, cell: (row) => row.feeder ?? "–" },
  { key: "about", name: { en: "About", zh: "对象" }, cell: (row) => matterWhat(row) || "–" },
  { key: "since", name: words.since, cell: (row) => <At at={row.since} /> },
  { key: "until", name: words.until, cell: (row) => <At at={row.until} /> },
  { key: "who", name: words.who, cell: (row) => row.who ?? "–" },
  { key: "why", name: words.why, cell: matterWhy },
];

export function Matters({ matters, more = 0 }: { matters: readonly Matter[]; more?: number }) {
  if (matters.length === 0) return <Empty>{t(words.nothingStands)}</Empty>;
  return (
    <>
      <Table
        caption={words.standing}
        columns={COLUMNS}
        rows={matters}
        id={matterKey}
      />
      {more > 0 && <p class="muted">{t(words.more(more))}</p>}
    </>
  );
}
