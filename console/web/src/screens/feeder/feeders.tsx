// Which feeder: where the site has one, that is it.

import { useEffect } from "preact/hooks";
import { useLocation } from "wouter-preact";
import { body, client } from "../../api/client";
import { useResource } from "../../api/resource";
import type { components } from "../../api/schema";
import { percent, when } from "../../format";
import { Page } from "../../parts/page";
import { Known } from "../../parts/states";
import { Status } from "../../parts/status";
import { Table, type Column } from "../../parts/table";
import { t } from "../../words";

const words = {
  title: { en: "Feeders", zh: "馈线" },
  name: { en: "Feeder", zh: "馈线" },
  highest: { en: "Highest loading", zh: "最高负载率" },
  outside: { en: "Outside their limits", zh: "越限元件" },
  automatic: { en: "Automatic", zh: "自动控制" },
  isOn: { en: "on", zh: "投入" },
  isOff: { en: "off", zh: "退出" },
  at: { en: "As of", zh: "数据时间" },
  none: { en: "The site has no feeders.", zh: "站点没有馈线。" },
};
const EVERY_MS = 10_000;

type Brief = components["schemas"]["FeederBrief"];

const COLUMNS: readonly Column<Brief>[] = [
  {
    key: "id",
    name: words.name,
    cell: (row) => <a href={`#/feeders/${encodeURIComponent(row.id)}`}>{row.id}</a>,
    order: (row) => row.id,
  },
  {
    key: "highest",
    name: words.highest,
    isFigure: true,
    cell: (row) => percent(row.highest_loading_percent),
    order: (row) => row.highest_loading_percent,
  },
  {
    key: "outside",
    name: words.outside,
    isFigure: true,
    cell: (row) => (row.violations ? <Status tone="bad">{row.violations}</Status> : 0),
    order: (row) => row.violations,
  },
  {
    key: "automatic",
    name: words.automatic,
    cell: (row) => (row.automatic === false ? <Status tone="warn">{t(words.isOff)}</Status> : row.automatic ? t(words.isOn) : "–"),
  },
  { key: "at", name: words.at, cell: (row) => when(row.at) },
];

export const useFeeders = () =>
  useResource((signal) => body(client.GET("/api/v1/feeders", { signal })), [], EVERY_MS);

export function Feeders() {
  const [, go] = useLocation();
  const found = useFeeders();
  const only = found.data?.feeders.length === 1 ? found.data.feeders[0]?.id : undefined;
  useEffect(() => {
    if (only !== undefined) go(`/${encodeURIComponent(only)}`, { replace: true });
  }, [only]);
  return (
    <Page title={words.title}>
      <Known of={found} none={words.none} isEmpty={(data) => data.feeders.length === 0}>
        {(data) => (
          <Table
            caption={words.title}
            columns={COLUMNS}
            rows={data.feeders}
            id={(row) => row.id}
            onOpen={(row) => go(`/${encodeURIComponent(row.id)}`)}
          />
        )}
      </Known>
    </Page>
  );
}
