import { useState } from "preact/hooks";
import { body, client } from "../../api/client";
import { problemText } from "../../api/problem";
import { useResource } from "../../api/resource";
import type { paths } from "../../api/schema";
import { when } from "../../format";
import { Choice } from "../../parts/field";
import { Icon } from "../../parts/icon";
import { Panel } from "../../parts/page";
import { Known } from "../../parts/states";
import { Status, type Tone } from "../../parts/status";
import { Table, type Column } from "../../parts/table";
import { t } from "../../words";
import { words } from "./words";

type Level = "info" | "warning" | "error";
type Line = paths["/api/v1/system/log"]["get"]["responses"][200]["content"]["application/json"]["items"][number];
const EVERY_MS = 3_000;
const LINES = 200;
const TONES: Readonly<Record<string, Tone>> = { warning: "warn", error: "bad", critical: "bad" };

export function Log() {
  const [level, setLevel] = useState<Level>("info");
  const [isPaused, setPaused] = useState(false);
  const [after, setAfter] = useState<number | null>(null);
  const query = { level, limit: LINES, ...(after === null ? {} : { after }) };
  const lines = useResource(
    (signal) => body(client.GET("/api/v1/system/log", { params: { query }, signal })),
    [level, after],
    isPaused || after !== null ? undefined : EVERY_MS,
  );
  const levels = [
    { value: "info" as Level, name: words.allLines },
    { value: "warning" as Level, name: words.warnings },
    { value: "error" as Level, name: words.errors },
  ];
  const pause = (paused: boolean): void => {
    setPaused(paused);
    setAfter(null);
  };
  return (
    <Panel
      title={words.log}
      tools={
        <>
          <Choice label={words.level} value={level} options={levels} onChange={setLevel} />
          <button type="button" onClick={() => pause(!isPaused)}>
            <Icon name={isPaused ? "play" : "pause"} size={14} />
            {t(isPaused ? words.resume : words.pause)}
          </button>
          <Bundle />
        </>
      }
    >
      <Known of={lines} none={words.noLines} isEmpty={(known) => known.items.length === 0}>
        {(known) => (
          <>
            <Table caption={words.log} columns={COLUMNS} rows={known.items} id={(line) => String(line.seq)} />
            {known.next !== null && (
              <button
                type="button"
                onClick={() => {
                  setPaused(true);
                  setAfter(known.next);
                }}
              >
                {t(words.older)}
              </button>
            )}
          </>
        )}
      </Known>
    </Panel>
  );
}

const COLUMNS: readonly Column<Line>[] = [
  { key: "at", name: words.at, cell: (line) => <span class="nowrap">{line.at ? when(line.at) : "–"}</span> },
  { key: "level", name: words.level, cell: (line) => <Status tone={TONES[line.level] ?? "normal"}>{line.level}</Status> },
  { key: "event", name: words.event, cell: (line) => line.event },
  {
    key: "details",
    name: words.details,
    cell: (line) => (
      <span class="fields">
        {Object.entries(line.fields).map(([name, value]) => (
          <span key={name}>
            <span class="muted">{name}=</span>
            {value}
          </span>
        ))}
      </span>
    ),
  },
];

/** What a part came to: where it fails, why stands in its place. */
const partOf = (asked: Promise<unknown>): Promise<unknown> =>
  asked.catch((error: unknown) => ({ not_told: problemText(error) }));

/** Health, settings and log in one file, as the API tells them: what may be secret is not in any of them. */
function Bundle() {
  const [fault, setFault] = useState("");
  const fetchAll = async (): Promise<void> => {
    setFault("");
    const asked = [
      body(client.GET("/api/v1/system")),
      body(client.GET("/api/v1/system/config")),
      body(client.GET("/api/v1/system/log", { params: { query: { level: "info", limit: 500 } } })).then((log) => log.items),
    ] as const;
    const all = await Promise.allSettled(asked);
    const failed = all.flatMap((one) => (one.status === "rejected" ? [problemText(one.reason)] : []));
    if (failed.length) setFault([...new Set(failed)].join(" "));
    if (failed.length === all.length) return; // nothing worth a file
    const [system, config, log] = await Promise.all(asked.map(partOf));
    const text = JSON.stringify({ made_at: new Date().toISOString(), system, config, log }, null, 1);
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
    link.download = `gridward-support-${new Date().toISOString().slice(0, 10)}.json`;
    link.click();
    URL.revokeObjectURL(link.href);
  };
  return (
    <>
      <button type="button" title={t(words.bundleNote)} onClick={() => void fetchAll()}>
        <Icon name="download" size={14} />
        {t(words.bundle)}
      </button>
      {fault && <span role="alert">{fault}</span>}
    </>
  );
}
