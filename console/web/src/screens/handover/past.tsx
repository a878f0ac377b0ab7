// The shifts before: their list, and one of them as it was handed over.

import { useLocation } from "wouter-preact";
import { body, client } from "../../api/client";
import { useResource } from "../../api/resource";
import { plain, when } from "../../format";
import { Panel } from "../../parts/page";
import { PagesFoot, usePages } from "../../parts/pages";
import { Empty, Known } from "../../parts/states";
import { Tile, Tiles } from "../../parts/status";
import { Table, type Column } from "../../parts/table";
import { t, type Text } from "../../words";
import { shiftSpan, words, type PastShift } from "./handover_words";
import { Matters } from "./matters";
import { Notes } from "./notes";
import { SummaryView } from "./summary";

const own = {
  none: { en: "No shift was handed over yet.", zh: "尚无已交接的班次。" },
  from: { en: "Began", zh: "开始" },
  until: { en: "Ended", zh: "结束" },
  by: { en: "Handed over by", zh: "交班人" },
  to: { en: "Taken over by", zh: "接班人" },
  stood: { en: "What stood when it was handed over", zh: "交接时的遗留事项" },
  noRemarks: { en: "No remarks.", zh: "无说明。" },
  signature: (who: string): Text => ({ en: `Signature ${who}`, zh: `签字 ${who}` }),
};

const COLUMNS: readonly Column<PastShift>[] = [
  { key: "shift", name: words.shift, cell: (row) => <a href={`#/handover/past/${row.shift}`}>{row.shift}</a> },
  { key: "who", name: words.onShift, cell: (row) => row.who ?? "–" },
  { key: "from", name: own.from, cell: (row) => when(row.began_at, false) },
  { key: "until", name: own.until, cell: (row) => when(row.ended_at, false) },
  { key: "by", name: own.by, cell: (row) => row.handed_over_by },
  { key: "to", name: own.to, cell: (row) => row.taken_over_by },
  { key: "notes", name: words.notes, isFigure: true, cell: (row) => plain(row.notes) },
  { key: "remarks", name: words.remarks, cell: (row) => <span class="remarks-short">{row.remarks || "–"}</span> },
];

export function PastShifts() {
  const [, go] = useLocation();
  const found = usePages<PastShift>(
    (after) => body(client.GET("/api/v1/shifts", { params: { query: after === null ? {} : { after: String(after) } } })),
    [],
  );
  return (
    <Panel title={words.before}>
      {found.items.length > 0 && (
        <Table
          caption={words.before}
          columns={COLUMNS}
          rows={found.items}
          id={(row) => String(row.shift)}
          onOpen={(row) => go(`/past/${row.shift}`)}
        />
      )}
      <PagesFoot of={found} none={t(own.none)} />
    </Panel>
  );
}

export function OnePastShift({ shift }: { shift: number }) {
  const told = useResource(
    (signal) => body(client.GET("/api/v1/shifts/{shift}", { params: { path: { shift } }, signal })),
    [shift],
  );
  return (
    <Known of={told}>
      {(found) => (
        <>
          <Tiles>
            <Tile label={t(words.onShift)} value={found.shift.who ?? "–"} note={shiftSpan(found.shift.began_at, found.shift.ended_at)} />
            <Tile label={t(own.by)} value={found.shift.handed_over_by} />
            <Tile label={t(own.to)} value={found.shift.taken_over_by} />
          </Tiles>
          <Panel title={words.remarks}>
            <p class="note-text">{found.shift.remarks || <span class="muted">{t(own.noRemarks)}</span>}</p>
          </Panel>
          <Panel title={words.notes}>
            <Notes notes={found.notes} shift={found.shift.shift} />
          </Panel>
          <Panel title={own.stood}>
            <Matters matters={found.standing} more={found.more} />
          </Panel>
          <Panel title={words.summary}>
            {found.summary ? <SummaryView summary={found.summary} /> : <Empty>{t(words.summaryNotYours)}</Empty>}
          </Panel>
          <div class="signatures" aria-hidden="true">
            <span>{t(own.signature(found.shift.handed_over_by))}</span>
            <span>{t(own.signature(found.shift.taken_over_by))}</span>
          </div>
        </>
      )}
    </Known>
  );
}
