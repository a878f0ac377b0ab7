// What is out of sight: shelved by people, suppressed by design, out of service by the settings.

import { useEffect, useState } from "preact/hooks";
import { body, client } from "../../api/client";
import { problemText } from "../../api/problem";
import { useResource } from "../../api/resource";
import { ago, when } from "../../format";
import { Panel } from "../../parts/page";
import { Known } from "../../parts/states";
import { Table, type Column } from "../../parts/table";
import { may } from "../../session";
import { t } from "../../words";
import { alarmsVersion, type Alarm } from "./alarm_store";
import { nameOf, STATES, words } from "./alarm_words";
import { unshelve } from "./commands";
import { PriorityMark } from "./priority_mark";

const own = {
  none: { en: "No alarm is out of sight.", zh: "没有被搁置、抑制或停用的告警。" },
  stands: { en: "Stands", zh: "仍存在" },
  yes: { en: "yes", zh: "是" },
  no: { en: "no, has returned", zh: "否，已复归" },
  does: { en: "To do", zh: "操作" },
};
const COVERED: readonly string[] = ["shelved", "suppressed", "out_of_service"];
const POLL_MS = 30_000;

export function ShelvedAlarms() {
  const list = useResource((signal) => body(client.GET("/api/v1/alarms", { signal })), [], POLL_MS);
  const [fault, setFault] = useState("");
  useEffect(list.reload, [alarmsVersion.value]);
  const back = (one: Alarm): void => {
    unshelve(one).then(list.reload, (error: unknown) => setFault(problemText(error)));
  };
  const columns: readonly Column<Alarm>[] = [
    { key: "priority", name: words.priority, cell: (one) => <PriorityMark priority={one.priority} isQuiet={!one.stands} /> },
    { key: "state", name: words.state, cell: (one) => t(STATES[one.state]), order: (one) => one.state },
    { key: "name", name: words.alarm, cell: nameOf, order: nameOf },
    { key: "feeder", name: words.feeder, cell: (one) => one.feeder ?? t(words.site), order: (one) => one.feeder },
    { key: "stands", name: own.stands, cell: (one) => t(one.stands ? own.yes : own.no) },
    {
      key: "until",
      name: words.until,
      cell: (one) => (one.shelved ? `${when(one.shelved.until, false)} (${ago(one.shelved.until)})` : ""),
      order: (one) => one.shelved?.until ?? null,
    },
    { key: "who", name: words.who, cell: (one) => one.shelved?.who ?? "" },
    { key: "why", name: words.why, cell: (one) => one.shelved?.why ?? "" },
    {
      key: "does",
      name: own.does,
      cell: (one) =>
        one.state === "shelved" && may("operate", one.feeder ?? undefined) ? (
          <button type="button" onClick={() => back(one)}>
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
      <Known of={list} none={own.none} isEmpty={(found) => !found.items.some((one) => COVERED.includes(one.state))}>
        {(found) => (
          <Table
            caption={words.shelved}
            columns={columns}
            rows={found.items.filter((one) => COVERED.includes(one.state))}
            id={(one) => one.alarm}
          />
        )}
      </Known>
    </Panel>
  );
}
