import { useEffect, useRef, useState } from "preact/hooks";
import type { paths } from "../../api/schema";
import { plain, span, when, withUnit } from "../../format";
import { Panel } from "../../parts/page";
import { Empty } from "../../parts/states";
import { Status, Tile, Tiles } from "../../parts/status";
import { Table, type Column } from "../../parts/table";
import { t } from "../../words";
import { words } from "./words";

export type System = paths["/api/v1/system"]["get"]["responses"][200]["content"]["application/json"];
type Daemon = System["daemon"];
type Link = Daemon["links"][number];
type Source = Daemon["sources"][number];
type Queue = Daemon["queues"][number];
type Refused = Daemon["refused"][number];

const FULL_SHARE = 0.8;
const DISK_LOW_SHARE = 0.1;
const MB = 1_000_000;
/** What happened so long ago is counted still, but is not what is wrong now. */
const LATELY_MS = 3_600_000;
const isLately = (at: string | null, now: string): boolean => at !== null && Date.parse(now) - Date.parse(at) < LATELY_MS;

export function Health({ system }: { system: System }) {
  const { daemon } = system;
  return (
    <>
      <Summary system={system} />
      <div class="grid">
        <Panel title={words.links}>
          {daemon.links.length ? (
            <Table caption={words.links} columns={LINKS} rows={daemon.links} id={(link) => link.link} />
          ) : (
            <Empty>{t(words.noLinks)}</Empty>
          )}
        </Panel>
        <Panel title={words.sources}>
          {daemon.sources.length ? (
            <Table caption={words.sources} columns={sourcesAt(daemon.now)} rows={daemon.sources} id={(source) => source.source} />
          ) : (
            <Empty>{t(words.noSources)}</Empty>
          )}
        </Panel>
        <Panel title={words.queues}>
          <Table caption={words.queues} columns={QUEUES} rows={daemon.queues} id={(queue) => queue.queue} />
          {daemon.shed > 0 && <Status tone="warn">{t(words.shed(plain(daemon.shed)))}</Status>}
        </Panel>
        <Panel title={words.refused}>
          {daemon.refused.length ? (
            <Table caption={words.refused} columns={REFUSED} rows={daemon.refused} id={(one) => `${one.feeder} ${one.reason}`} />
          ) : (
            <Empty>{t(words.nothingRefused)}</Empty>
          )}
        </Panel>
      </div>
    </>
  );
}

function Summary({ system }: { system: System }) {
  const { daemon, process } = system;
  const { journal, cycles } = daemon;
  const diskShare = process.disk_free_bytes !== null && process.disk_bytes ? process.disk_free_bytes / process.disk_bytes : 1;
  const upS = (new Date(daemon.now).getTime() - new Date(daemon.started_at).getTime()) / 1000;
  return (
    <Tiles>
      <Tile label={t(words.version)} value={daemon.version} note={`${t(words.epoch)} ${daemon.epoch}`} />
      <Tile label={t(words.uptime)} value={span(upS)} note={`${t(words.holder)} ${daemon.holder}`} />
      <Tile
        label={t(words.cycles)}
        value={milliseconds(cycles.median_s)}
        note={`${t(words.p99)} ${milliseconds(cycles.p99_s)}`}
      />
      <Tile label={t(words.late)} value={plain(cycles.late)} tone={cycles.late_lately ? "warn" : "normal"} note={t(words.counted(plain(cycles.cycles), plain(cycles.late_lately)))} />
      <Tile
        label={t(words.failed)}
        value={plain(cycles.failures)}
        tone={isLately(cycles.last_failed_at, daemon.now) ? "bad" : "normal"}
        note={cycles.last_failed_at === null ? undefined : t(words.lastAt(when(cycles.last_failed_at)))}
      />
      <Tile
        label={t(words.journal)}
        value={t(journal.fault === null ? words.storeGood : words.storeFault)}
        tone={journal.fault === null ? "normal" : "bad"}
        note={journal.fault ?? `${t(words.commit)} ${milliseconds(journal.latest_commit_s)}`}
      />
      <Tile label={t(words.entries)} value={plain(journal.entries)} note={`${t(words.sealed)} ${plain(journal.sealed_entries)}`} />
      <Tile
        label={t(words.failures)}
        value={plain(journal.failures)}
        tone={journal.failures ? "warn" : "normal"}
        note={`${t(words.copyFailures)} ${plain(journal.copy_failures)}`}
      />
      <Tile label={t(words.cpu)} value={<ProcessorShare cpuS={process.cpu_s} />} note={t(words.cpuNote)} />
      <Tile label={t(words.memory)} value={withUnit(process.memory_bytes === null ? null : process.memory_bytes / MB, "MB")} />
      <Tile label={t(words.files)} value={plain(process.open_files)} note={`${t(words.threads)} ${plain(process.threads)}`} />
      <Tile
        label={t(words.disk)}
        value={withUnit(process.disk_free_bytes === null ? null : process.disk_free_bytes / (1000 * MB), "GB", 1)}
        tone={diskShare < DISK_LOW_SHARE ? "bad" : "normal"}
      />
    </Tiles>
  );
}

const milliseconds = (seconds: number | null): string => withUnit(seconds === null ? null : seconds * 1000, "ms");

/** Between two looks: the API tells the seconds used so far. */
function ProcessorShare({ cpuS }: { cpuS: number | null }) {
  const before = useRef<{ cpuS: number; atMs: number } | null>(null);
  const [share, setShare] = useState<number | null>(null);
  useEffect(() => {
    const atMs = performance.now();
    const known = before.current;
    // less than before: another process, which says nothing until the next look
    if (cpuS !== null && known && cpuS < known.cpuS) setShare(null);
    else if (cpuS !== null && known && atMs > known.atMs) setShare((1e5 * (cpuS - known.cpuS)) / (atMs - known.atMs));
    if (cpuS !== null) before.current = { cpuS, atMs };
  }, [cpuS]);
  return <>{withUnit(share, "%")}</>;
}

const LINKS: readonly Column<Link>[] = [
  { key: "link", name: words.link, cell: (link) => link.link, order: (link) => link.link },
  {
    key: "state",
    name: words.state,
    cell: (link) => <Status tone={link.connected ? "normal" : "bad"}>{t(link.connected ? words.connected : words.away)}</Status>,
    order: (link) => Number(link.connected),
  },
  { key: "since", name: words.since, cell: (link) => <span class="nowrap">{when(link.since)}</span>, order: (link) => link.since },
  { key: "losses", name: words.losses, isFigure: true, cell: (link) => plain(link.losses), order: (link) => link.losses },
];
const sourcesAt = (now: string): readonly Column<Source>[] => [
  { key: "source", name: words.source, cell: (source) => source.source },
  {
    key: "restarts",
    name: words.restarts,
    isFigure: true,
    cell: (source) => <Status tone={isLately(source.last_stopped_at, now) ? "warn" : "normal"}>{plain(source.restarts)}</Status>,
  },
  {
    key: "reason",
    name: words.lastReason,
    cell: (source) => (source.last_reason === null ? "–" : `${when(source.last_stopped_at)} ${source.last_reason}`),
  },
];
const QUEUES: readonly Column<Queue>[] = [
  { key: "queue", name: words.queue, cell: (queue) => queue.queue },
  {
    key: "waiting",
    name: words.waiting,
    isFigure: true,
    cell: (queue) => <Status tone={queue.waiting > FULL_SHARE * queue.bound ? "bad" : "normal"}>{plain(queue.waiting)}</Status>,
  },
  { key: "bound", name: words.bound, isFigure: true, cell: (queue) => plain(queue.bound) },
];
const REFUSED: readonly Column<Refused>[] = [
  { key: "reason", name: words.reason, cell: (one) => one.reason, order: (one) => one.reason },
  { key: "feeder", name: words.feeder, cell: (one) => one.feeder ?? "–", order: (one) => one.feeder },
  { key: "count", name: words.count, isFigure: true, cell: (one) => plain(one.count), order: (one) => one.count },
];
