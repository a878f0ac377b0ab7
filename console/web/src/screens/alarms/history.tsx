// What became of alarms, newest first, with filters; read from the journal page by page.

import { useState } from "preact/hooks";
import { body, client } from "../../api/client";
import type { paths } from "../../api/schema";
import { useResource } from "../../api/resource";
import { when } from "../../format";
import { Field } from "../../parts/field";
import { Panel } from "../../parts/page";
import { PagesFoot, usePages } from "../../parts/pages";
import { Table, type Column } from "../../parts/table";
import { t, type Text } from "../../words";
import { figureOf, nameOf, words } from "./alarm_words";
import { kindName, KINDS, PRIORITIES, PRIORITY_SIGNS } from "./kind_names";
import { PriorityMark } from "./priority_mark";

type Query = NonNullable<paths["/api/v1/alarms/history"]["get"]["parameters"]["query"]>;
type Row = paths["/api/v1/alarms/history"]["get"]["responses"][200]["content"]["application/json"]["items"][number];
type Change = Row["change"];

const own = {
  change: { en: "What happened", zh: "变化" },
  from: { en: "From", zh: "自" },
  to: { en: "To", zh: "至" },
  none: { en: "Nothing of the kind was found.", zh: "未找到符合条件的记录。" },
  noneYet: { en: "Nothing of the kind in this part of the journal; go on looking.", zh: "此段日志中没有符合条件的记录，可继续查找。" },
  told: { en: "Told", zh: "内容" },
};
const CHANGES: Readonly<Record<Change, Text>> = {
  raised: { en: "Raised", zh: "触发" },
  returned: { en: "Returned", zh: "复归" },
  acknowledged: { en: "Acknowledged", zh: "确认" },
  shelved: { en: "Shelved", zh: "搁置" },
  unshelved: { en: "Taken back", zh: "取消搁置" },
  shelving_expired: { en: "Shelving over", zh: "搁置到期" },
};

interface Filters {
  readonly feeder: string;
  readonly kind: string;
  readonly priority: string;
  readonly change: string;
  readonly from: string;
  readonly to: string;
}
const ALL: Filters = { feeder: "", kind: "", priority: "", change: "", from: "", to: "" };
const PAGE = 100;

const COLUMNS: readonly Column<Row>[] = [
  { key: "at", name: words.at, cell: (row) => when(row.at) },
  { key: "change", name: own.change, cell: (row) => t(CHANGES[row.change]) },
  { key: "priority", name: words.priority, cell: (row) => <PriorityMark priority={row.priority} isQuiet={row.change !== "raised"} /> },
  { key: "alarm", name: words.alarm, cell: nameOf },
  { key: "feeder", name: words.feeder, cell: (row) => row.feeder ?? t(words.site) },
  { key: "value", name: words.value, cell: figureOf, isFigure: true },
  { key: "who", name: words.who, cell: (row) => row.who ?? "" },
  { key: "why", name: own.told, cell: (row) => [row.why, row.until && `→ ${when(row.until, false)}`].filter(Boolean).join(" ") || row.text },
];

export function History() {
  const [filters, setFilters] = useState<Filters>(ALL);
  const pages = usePages(
    (after) => body(client.GET("/api/v1/alarms/history", { params: { query: query(filters, after) } })),
    [filters],
  );
  return (
    <Panel title={words.history}>
      <FilterFields filters={filters} onChange={setFilters} />
      {pages.items.length > 0 && (
        <Table caption={words.history} columns={COLUMNS} rows={pages.items} id={(row) => `${row.seq} ${row.alarm}`} />
      )}
      {pages.items.length === 0 && pages.hasMore && !pages.isLoading ? (
        <p class="row">
          {t(own.noneYet)}
          <button type="button" onClick={pages.more}>
            {t({ en: "Go on", zh: "继续" })}
          </button>
        </p>
      ) : (
        <PagesFoot of={pages} none={t(own.none)} />
      )}
    </Panel>
  );
}

function query(filters: Filters, after: string | number | null): Query {
  const { feeder, kind, priority, change, from, to } = filters;
  return {
    limit: PAGE,
    ...(feeder ? { feeder } : {}),
    ...(kind ? { kind } : {}),
    ...(priority ? { priority: priority as NonNullable<Query["priority"]> } : {}),
    ...(change ? { change: change as Change } : {}),
    ...(from ? { from: new Date(from).toISOString() } : {}),
    ...(to ? { to: new Date(to).toISOString() } : {}),
    ...(after !== null ? { after: String(after) } : {}),
  };
}

interface FilterProps {
  filters: Filters;
  onChange: (filters: Filters) => void;
}

function FilterFields({ filters, onChange }: FilterProps) {
  const feeders = useResource((signal) => body(client.GET("/api/v1/feeders", { signal })), []);
  const options: Readonly<Record<"feeder" | "kind" | "priority" | "change", readonly (readonly [string, string])[]>> = {
    feeder: (feeders.data?.feeders ?? []).map((one) => [one.id, one.id] as const),
    kind: KINDS.map((kind) => [kind, t(kindName(kind))] as const),
    priority: PRIORITIES.map((one) => [one, t(PRIORITY_SIGNS[one].name)] as const),
    change: (Object.keys(CHANGES) as Change[]).map((one) => [one, t(CHANGES[one])] as const),
  };
  const names = { feeder: words.feeder, kind: words.kind, priority: words.priority, change: own.change };
  return (
    <div class="alarm-filters">
      {(Object.keys(options) as (keyof typeof options)[]).map((key) => (
        <Field key={key} label={names[key]}>
          {(tie) => (
            <select {...tie} value={filters[key]} onChange={(event) => onChange({ ...filters, [key]: event.currentTarget.value })}>
              <option value="">{t(words.all)}</option>
              {options[key].map(([value, name]) => (
                <option key={value} value={value}>
                  {name}
                </option>
              ))}
            </select>
          )}
        </Field>
      ))}
      {(["from", "to"] as const).map((key) => (
        <Field key={key} label={own[key]}>
          {(tie) => (
            <input
              {...tie}
              type="datetime-local"
              value={filters[key]}
              onChange={(event) => onChange({ ...filters, [key]: event.currentTarget.value })}
            />
          )}
        </Field>
      ))}
    </div>
  );
}
