// The present shift: who is on it, what they wrote, what stands, and what happened.

import { useState } from "preact/hooks";
import { body, client } from "../../api/client";
import { useResource } from "../../api/resource";
import { ago } from "../../format";
import { Panel } from "../../parts/page";
import { Empty, Known } from "../../parts/states";
import { Tile, Tiles } from "../../parts/status";
import { may, who } from "../../session";
import { t } from "../../words";
import { At } from "./at";
import { HandOverDialog } from "./hand_over_dialog";
import { words, type Shift } from "./handover_words";
import { Matters } from "./matters";
import { NoteForm, Notes } from "./notes";
import { SummaryView } from "./summary";

const own = {
  handOver: { en: "Hand over …", zh: "交接班……" },
  mayNot: {
    en: "Operators write notes; who may operate all feeders hands over.",
    zh: "记录由运行值班员填写，交接由可操作全部馈线的值班员完成。",
  },
};
const EVERY_MS = 10_000;
const SUMMARY_EVERY_MS = 60_000;

/** What happened until now; asked anew when another shift begins. */
function Happened({ shift }: { shift: number | undefined }) {
  const summary = useResource((signal) => body(client.GET("/api/v1/shift/summary", { signal })), [shift], SUMMARY_EVERY_MS);
  return <Known of={summary}>{(told) => <SummaryView summary={told} />}</Known>;
}

export function PresentShift() {
  /** As it was when the dialog was opened: whoever else ends it meanwhile must not have this one end the next. */
  const [handing, setHanding] = useState<Shift | null>(null);
  const shift = useResource((signal) => body(client.GET("/api/v1/shift", { signal })), [], EVERY_MS);
  const number = shift.data?.shift;
  return (
    <Known of={shift}>
      {(present) => (
        <>
          <Tiles>
            <Tile label={t(words.shift)} value={present.shift} />
            <Tile label={t(words.onShift)} value={present.who ?? t(words.nobody)} />
            <Tile label={t(words.since)} value={<At at={present.since} />} note={ago(present.since)} />
          </Tiles>
          <Panel
            title={words.notes}
            tools={
              may("operate") &&
              who.value?.feeders === null && (
                <button type="button" class="primary" onClick={() => setHanding(present)}>
                  {t(own.handOver)}
                </button>
              )
            }
          >
            {may("operate") && <NoteForm onWritten={shift.reload} />}
            {!(may("operate") && who.value?.feeders === null) && <p class="muted small">{t(own.mayNot)}</p>}
            <Notes notes={present.notes} shift={present.shift} onMarked={shift.reload} />
          </Panel>
          <Panel title={words.standing}>
            <Matters matters={present.standing} more={present.more} />
          </Panel>
          <Panel title={words.summary}>
            {who.value?.feeders === null ? <Happened shift={number} /> : <Empty>{t(words.summaryNotYours)}</Empty>}
          </Panel>
          {handing && (
            <HandOverDialog
              shift={handing}
              onClose={() => setHanding(null)}
              onDone={() => {
                setHanding(null);
                shift.reload();
              }}
            />
          )}
        </>
      )}
    </Known>
  );
}
