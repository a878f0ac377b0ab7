// Who makes an element's loading or voltage what it is, and how much each could give.

import { useEffect, useRef, useState } from "preact/hooks";
import { body, client } from "../../api/client";
import { useResource } from "../../api/resource";
import type { components } from "../../api/schema";
import { kw, percent, when } from "../../format";
import { nameOf, placesOf, type Layout } from "../../parts/network/layout";
import { Panel } from "../../parts/page";
import { Known } from "../../parts/states";
import { Status } from "../../parts/status";
import { Table, type Column } from "../../parts/table";
import { t, type Text } from "../../words";
import { ShareBar } from "./bar";
import { valueText } from "./feeder_words";
import type { LiveFeeder } from "./live_feeder";
import { worstLoaded } from "./worst";

const words = {
  title: { en: "Customers by contribution", zh: "用户贡献度" },
  of: { en: "Contribution to", zh: "对以下元件" },
  violated: { en: "outside its limit", zh: "越限" },
  expected: { en: "expected outside its limit", zh: "预计越限" },
  picked: { en: "picked", zh: "已选" },
  worst: { en: "highest loaded", zh: "负载最高" },
  shown: { en: "shown", zh: "当前显示" },
  worse: (name: string): Text => ({ en: `Now worse: ${name}`, zh: `当前更严重：${name}` }),
  look: { en: "Show it", zh: "查看" },
  point: { en: "Service point", zh: "供电点" },
  customer: { en: "Customer", zh: "用户" },
  share: { en: "Share", zh: "占比" },
  power: { en: "Power", zh: "功率" },
  flexible: { en: "Could give", zh: "可削减" },
  choose: { en: "Choose", zh: "选择" },
  chooseOne: (name: string): Text => ({ en: `Choose ${name} for an order`, zh: `将 ${name} 选入指令` }),
  none: { en: "No customer causes this value.", zh: "该值并非由用户引起。" },
  critical: { en: "critical customer", zh: "重要用户" },
  made: (value: string, limit: string, at: string): Text => ({
    en: `${value} at ${at}, limit ${limit}`,
    zh: `${at} 为 ${value}，限值 ${limit}`,
  }),
  others: (n: number): Text => ({ en: `and ${n} with smaller shares`, zh: `另有 ${n} 个占比更小的用户` }),
};
const EVERY_MS = 10_000;

type View = components["schemas"]["ContributionsView"];
type Contribution = View["causes"][number];

interface ContributionsProps {
  layout: Layout;
  live: LiveFeeder;
  selected: string | null;
  chosen: ReadonlySet<number>;
  onChoose: (point: number, isChosen: boolean) => void;
  onSelect: (element: string) => void;
}

interface Candidate {
  readonly id: string;
  readonly why: Text;
}

/** What is outside comes first, then what is expected to be, then what somebody looks at, then the highest loaded. */
function candidatesOf(layout: Layout, live: LiveFeeder, selected: string | null): readonly Candidate[] {
  const all: Candidate[] = [
    ...live.now.violations.map(({ id }) => ({ id, why: words.violated })),
    ...live.now.expected.map(({ id }) => ({ id, why: words.expected })),
    ...(selected !== null ? [{ id: selected, why: words.picked }] : []),
    ...worstLoaded(layout, live.figures, 1).map(({ id }) => ({ id, why: words.worst })),
  ];
  const known = new Set<string>();
  return all.filter(({ id }) => isAsked(layout, id) && !known.has(id) && known.add(id));
}

/** What is shown stays until somebody picks another or it is no more: nobody's row moves under the cursor. */
function useKept(layout: Layout, wanted: string | null, first: string | undefined): string | undefined {
  const kept = useRef<string | undefined>(undefined);
  const isThere = (id: string | null | undefined): id is string => id != null && isAsked(layout, id);
  return (kept.current = isThere(wanted) ? wanted : isThere(kept.current) ? kept.current : first);
}

function withShown(candidates: readonly Candidate[], shown: string | undefined): readonly Candidate[] {
  const isListed = shown === undefined || candidates.some(({ id }) => id === shown);
  return isListed ? candidates : [...candidates, { id: shown, why: words.shown }];
}

/** Whether somebody can make its value what it is. */
const isAsked = (layout: Layout, id: string): boolean => /^(bus|line|trafo)/.test(id) && (placesOf(layout).parts.get(id)?.kind ?? "link") !== "link";

export function Contributions(props: ContributionsProps) {
  const { layout, live, selected } = props;
  const [wanted, setWanted] = useState<string | null>(null);
  const element = useKept(layout, wanted, candidatesOf(layout, live, selected)[0]?.id);
  useEffect(() => {
    if (selected !== null) setWanted(selected); // somebody picked another
  }, [selected]);
  const candidates = withShown(candidatesOf(layout, live, selected), element);
  const worse = live.now.violations.find(({ id }) => candidates.some((one) => one.id === id))?.id;
  return (
    <Panel
      title={words.title}
      tools={
        <label class="row">
          <span class="muted">{t(words.of)}</span>
          <select value={element} onChange={(event) => setWanted(event.currentTarget.value)}>
            {candidates.map(({ id, why }) => (
              <option key={id} value={id}>
                {nameOf(layout, id)} ({t(why)})
              </option>
            ))}
          </select>
        </label>
      }
    >
      {worse !== undefined && worse !== element && (
        <p class="row">
          <Status tone="bad">{t(words.worse(nameOf(layout, worse)))}</Status>
          <button type="button" onClick={() => setWanted(worse)}>
            {t(words.look)}
          </button>
        </p>
      )}
      {element && <Parts {...props} element={element} />}
    </Panel>
  );
}

function Parts({ layout, live, chosen, onChoose, onSelect, element }: ContributionsProps & { element: string }) {
  const feeder = layout.feeder;
  const found = useResource<View>(
    (signal) =>
      body(client.GET("/api/v1/feeders/{feeder}/contributions", { params: { path: { feeder }, query: { element } }, signal })),
    [feeder, element, live.now.layout],
    EVERY_MS,
  );
  const { pointByName } = placesOf(layout);
  const busOf = (row: Contribution): string | undefined =>
    layout.buses.id[layout.service_points.bus[pointByName.get(row.service_point) ?? -1] ?? -1];
  return (
    <Known of={found} none={words.none} isEmpty={(view) => view.causes.length === 0}>
      {(view) => (
        <>
          <p class="muted">
            {nameOf(layout, view.element)}: {t(words.made(valueText(view.kind, view.value, view.limit), valueText(view.kind, view.limit), when(view.at)))}
          </p>
          <Table
            caption={words.title}
            columns={columns(layout, chosen, onChoose)}
            rows={view.causes}
            id={(row) => row.service_point}
            onOpen={(row) => {
              const bus = busOf(row);
              if (bus) onSelect(bus);
            }}
            class="short"
          />
          {view.others > 0 && <p class="muted small">{t(words.others(view.others))}</p>}
        </>
      )}
    </Known>
  );
}

function columns(
  layout: Layout,
  chosen: ReadonlySet<number>,
  onChoose: (point: number, isChosen: boolean) => void,
): readonly Column<Contribution>[] {
  const { pointByName, devicesAt } = placesOf(layout);
  const placeOf = (row: Contribution): number => pointByName.get(row.service_point) ?? -1;
  return [
    {
      key: "choose",
      name: words.choose,
      cell: (row) => {
        const point = placeOf(row);
        const isLimitable = (devicesAt[point] ?? []).some((device) => !layout.devices.protected[device]);
        return (
          <input
            type="checkbox"
            aria-label={t(words.chooseOne(row.service_point))}
            disabled={!isLimitable}
            checked={chosen.has(point)}
            onChange={(event) => onChoose(point, event.currentTarget.checked)}
          />
        );
      },
    },
    {
      key: "point",
      name: words.point,
      cell: (row) => (
        <>
          {row.service_point}{" "}
          {layout.service_points.critical[placeOf(row)] && (
            <span role="img" aria-label={t(words.critical)} title={t(words.critical)}>
              ✚
            </span>
          )}
        </>
      ),
      order: (row) => row.service_point,
    },
    { key: "customer", name: words.customer, cell: (row) => row.customer ?? "", order: (row) => row.customer ?? null },
    {
      key: "share",
      name: words.share,
      isFigure: true,
      cell: (row) => (
        <>
          <ShareBar share={row.share_percent / 100} /> {percent(row.share_percent)}
        </>
      ),
      order: (row) => row.share_percent,
    },
    { key: "power", name: words.power, isFigure: true, cell: (row) => kw(row.p_kw), order: (row) => row.p_kw },
    { key: "flexible", name: words.flexible, isFigure: true, cell: (row) => kw(row.flexible_kw), order: (row) => row.flexible_kw },
  ];
}
