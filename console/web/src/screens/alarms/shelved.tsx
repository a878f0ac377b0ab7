// What is out of sight: shelved by people, suppressed by design, out of service by the settings.

import { useEffect, useState } from "preact/hooks";
import { body, client } from "../../api/client";
import { useCommandKey } from "../../api/command_key";
import { problemText } from "../../api/problem";
import { useResource } from "../../api/resource";
import { ago, when } from "../../format";
import { Panel } from "../../parts/page";
import { Known } from "../../parts/states";
import { Table, type Column } from "../../parts/table";
import { t } from "../../words";
import { alarmsVersion, type Alarm, type List, type OutOfService } from "./alarm_store";
import { nameOf, STATES, words } from "./alarm_words";
import { mayHandle, unshelve } from "./commands";
import { PriorityMark } from "./priority_mark";

const own = {
  none: { en: "No alarm is out of sight.", zh: "没有被搁置、抑制或停用的告警。" },
  stands: { en: "Stands", zh: "仍存在" },
  yes: { en: "yes", zh: "是" },
  no: { en: "no, has returned", zh: "否，已复归" },
  notThere: { en: "no", zh: "否" },
  does: { en: "To do", zh: "操作" },
  everywhere: { en: "All", zh: "全部" },
  bySettings: { en: "by the settings of the site", zh: "由站点配置停用" },
};
/** An alarm that is there, or something that the settings leave without one. */
type Row = Pick<Alarm, "alarm" | "kind" | "subject" | "priority" | "state" | "feeder" | "stands" | "shelved"> & {
  readonly where: string;
  readonly known: Alarm | null;
};
const COVERED: readonly string[] = ["shelved", "suppressed", "out_of_service"];
const POLL_MS = 30_000;

export function ShelvedAlarms() {
  const list = useResource((signal) => body(client.GET("/api/v1/alarms", { signal })), [], POLL_MS);
  const [fault, setFault] = useState("");
  useEffect(list.reload, [alarmsVersion.value]);
  const { isBusy, send } = useCommandKey();
  const back = (one: Alarm): void =>
    send(one.alarm, (headers) => unshelve(one, headers), {
      done: () => {
        setFault("");
        list.reload();
      },
      failed: (error) => setFault(problemText(error)),
    });
  const columns: readonly Column<Row>[] = [
    { key: "priority", name: words.priority, cell: (one) => <PriorityMark priority={one.priority} isQuiet={!one.stands} /> },
    { key: "state", name: words.state, cell: (one) => t(STATES[one.state]), order: (one) => one.state },
    { key: "name", name: words.alarm, cell: nameOf, order: nameOf },
    { key: "feeder", name: words.feeder, cell: (one) => one.where, order: (one) => one.where },
    { key: "stands", name: own.stands, cell: (one) => t(one.stands ? own.yes : one.known ? own.no : own.notThere) },
    {
      key: "until",
      name: words.until,
      cell: (one) => (one.shelved ? `${when(one.shelved.until, false)} (${ago(one.shelved.until)})` : ""),
      order: (one) => one.shelved?.until ?? null,
    },
    { key: "who", name: words.who, cell: (one) => one.shelved?.who ?? "" },
    { key: "why", name: words.why, cell: (one) => one.shelved?.why ?? (one.state === "out_of_service" ? t(own.bySettings) : "") },
    {
      key: "does",
      name: own.does,
      cell: (one) =>
        one.known?.state === "shelved" && mayHandle(one) ? (
          <button type="button" disabled={isBusy} onClick={() => one.known && back(one.known)}>
            {t(words.unshelve)}
          </button>
        ) : null,
    },
  ];
  return (
    <Panel title={words.shelved}>
      {fault && (
        <p class="note bad" role="alert">
          {fault}
        </p>
      )}
      <Known of={list} none={own.none} isEmpty={(found) => rowsOf(found).length === 0}>
        {(found) => <Table caption={words.shelved} columns={columns} rows={rowsOf(found)} id={(one) => one.alarm} />}
      </Known>
    </Panel>
  );
}

const rowsOf = ({ items, out_of_service }: List): readonly Row[] => [
  ...items
    .filter((one) => COVERED.includes(one.state))
    .map((one) => ({ ...one, where: one.feeder ?? t(words.site), known: one })),
  ...out_of_service.map(outOfService),
];

const outOfService = ({ kind, feeder, priority, stands }: OutOfService): Row => ({
  alarm: `${kind}/${feeder ?? ""}`,
  kind,
  subject: "",
  priority,
  state: "out_of_service",
  feeder,
  stands,
  shelved: null,
  where: feeder ?? t(own.everywhere),
  known: null,
});
