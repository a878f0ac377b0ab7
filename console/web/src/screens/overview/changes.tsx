// What changed since the shift began, or another time: counts, and the latest in the journal's own words.

import { useMemo, useState } from "preact/hooks";
import { body, client } from "../../api/client";
import { useResource } from "../../api/resource";
import { clockTime, siteNowMs, when } from "../../format";
import { Choice } from "../../parts/field";
import { Panel } from "../../parts/page";
import { Empty, Known } from "../../parts/states";
import { Status } from "../../parts/status";
import { who } from "../../session";
import { t } from "../../words";
import { CHANGE_NAMES, CHANGES, changedInShift, changedSince, SEVERITIES, words } from "./words";

const EVERY_MS = 10_000;
const SHOWN = 12;
const HOUR_MS = 3_600_000;
const SPANS = { hour: 1, eight: 8, day: 24 } as const;
type Span = "shift" | keyof typeof SPANS;
const OPTIONS: readonly { readonly value: Span; readonly name: { en: string; zh: string } }[] = [
  { value: "shift", name: words.shift },
  { value: "hour", name: words.hour },
  { value: "eight", name: words.eight },
  { value: "day", name: words.day },
];

export function ChangesPanel() {
  const [span, setSpan] = useState<Span>("shift");
  const shift = useResource(
    // the shift log is for who is known; for others the last eight hours stand in for the shift
    async (signal) => (who.value ? body(client.GET("/api/v1/shift", { signal })) : null),
    [who.value?.name],
    60_000,
  );
  const began = shift.data?.since ?? null;
  // a page that stays open looks back from now, minute by minute
  const minute = Math.floor(siteNowMs.value / 60_000) * 60_000;
  const since = useMemo(() => {
    if (span === "shift" && began !== null) return began;
    return new Date(minute - SPANS[span === "shift" ? "eight" : span] * HOUR_MS).toISOString();
  }, [span, began, minute]);
  const title = span === "shift" && began !== null ? changedInShift(when(since, false)) : changedSince(when(since, false));
  return (
    <Panel
      title={title}
      class="wide"
      tools={<Choice label={words.since} value={span} options={OPTIONS} onChange={setSpan} />}
    >
      <Since at={since} span={span} />
    </Panel>
  );
}

function Since({ at, span }: { at: string; span: Span }) {
  const found = useResource(
    (signal) => body(client.GET("/api/v1/overview", { params: { query: { since: at, rows: false } }, signal })),
    [span, span === "shift" ? at : null],
    EVERY_MS,
  );
  return (
    <Known of={found}>
      {({ changes }) => {
        if (!changes || changes.latest.length === 0) return <Empty>{t(words.nothingChanged)}</Empty>;
        return (
          <>
            <p class="row change-counts">
              {Object.entries(changes.by_entry).map(([entry, count]) => (
                <span key={entry}>{CHANGES[entry] ? t(CHANGES[entry](count)) : `${entry} ${count}`}</span>
              ))}
            </p>
            {!changes.is_whole && <p class="muted">{t(words.incomplete)}</p>}
            <ol class="changes" aria-label={t(words.changed)}>
              {changes.latest.slice(0, SHOWN).map((change) => (
                <li key={change.seq}>
                  <time dateTime={change.at} title={when(change.at)}>
                    {clockTime(change.at, false)}
                  </time>
                  <Status tone={SEVERITIES[change.severity] ?? "normal"}>
                    {CHANGE_NAMES[change.entry] ? t(CHANGE_NAMES[change.entry]!) : change.entry}
                  </Status>
                  <span lang="en">{change.text}</span>
                </li>
              ))}
            </ol>
          </>
        );
      }}
    </Known>
  );
}
