// How the devices are: counts by health, those that need somebody first.

import { useState } from "preact/hooks";
import { useLocation } from "wouter-preact";
import { body, client } from "../../api/client";
import { useResource } from "../../api/resource";
import { plain, when } from "../../format";
import { Field } from "../../parts/field";
import { Icon } from "../../parts/icon";
import { Panel } from "../../parts/page";
import { PagesFoot, usePages } from "../../parts/pages";
import { t } from "../../words";
import { HEALTHS, words, type DeviceRow, type Health } from "./customer_words";
import { DeviceTable } from "./device_table";
import { FeederChoice } from "./feeder_choice";

const own = {
  sought: { en: "Part of a device's, service point's or customer's number", zh: "设备号、接入点或用户号" },
  none: { en: "No such device.", zh: "未找到设备。" },
  all: { en: "All", zh: "全部" },
  faulty: { en: "All that need somebody", zh: "全部异常" },
  counted: (at: string) => ({ en: `Counted at ${at}`, zh: `统计时间 ${at}` }),
  byHealth: { en: "Devices by health", zh: "按健康状态统计" },
};
const EVERY_MS = 30_000;
type Wanted = Health | "faulty" | "";
const NAMES = Object.keys(HEALTHS) as Health[];

export function DeviceList() {
  const [text, setText] = useState("");
  const [sought, setSought] = useState("");
  const [feeder, setFeeder] = useState("");
  const [wanted, setWanted] = useState<Wanted>("");
  const [, go] = useLocation();
  const asked = (more: { after?: string; limit?: number }) => ({
    params: {
      query: { q: sought, ...(feeder ? { feeder } : {}), ...(wanted ? { health: wanted } : {}), ...more },
    },
  });
  const counted = useResource(
    async (signal) => body(client.GET("/api/v1/devices", { ...asked({ limit: 1 }), signal })),
    [feeder],
    EVERY_MS,
  );
  const found = usePages<DeviceRow>(
    (after) => body(client.GET("/api/v1/devices", asked(after === null ? {} : { after: String(after) }))),
    [sought, feeder, wanted],
  );
  return (
    <Panel title={words.devices} tools={counted.data && <span class="muted small">{t(own.counted(when(counted.data.counted_at)))}</span>}>
      <form
        class="search-form"
        role="search"
        onSubmit={(event) => {
          event.preventDefault();
          setSought(text.trim());
        }}
      >
        <Field label={own.sought}>
          {(tie) => (
            <input {...tie} type="search" value={text} maxLength={100} onInput={(event) => setText(event.currentTarget.value)} />
          )}
        </Field>
        <FeederChoice value={feeder} onChange={setFeeder} />
        <button type="submit" class="primary">
          <Icon name="search" /> {t(words.search)}
        </button>
      </form>
      {counted.data && <Counts counts={counted.data.counts} wanted={wanted} onWant={setWanted} />}
      {found.items.length > 0 && (
        <DeviceTable
          rows={found.items}
          onOpen={(row) => go(`/device/${encodeURIComponent(row.feeder)}/${encodeURIComponent(row.device)}`)}
        />
      )}
      <PagesFoot of={found} none={t(own.none)} />
    </Panel>
  );
}

interface CountsProps {
  counts: Readonly<Record<string, number>>;
  wanted: Wanted;
  onWant: (wanted: Wanted) => void;
}

function Counts({ counts, wanted, onWant }: CountsProps) {
  const of = (health: Health): number => counts[health] ?? 0;
  const all = NAMES.reduce((sum, health) => sum + of(health), 0);
  const shown = NAMES.filter((health) => of(health) > 0 || health === wanted);
  const choices: readonly { value: Wanted; name: string; count: number; tone: string }[] = [
    { value: "", name: t(own.all), count: all, tone: "normal" },
    { value: "faulty", name: t(own.faulty), count: all - of("good"), tone: "normal" },
    ...shown.map((health) => ({
      value: health,
      name: t(HEALTHS[health].name),
      count: of(health),
      tone: of(health) ? HEALTHS[health].tone : "normal",
    })),
  ];
  return (
    <div class="row" role="group" aria-label={t(own.byHealth)}>
      {choices.map((choice) => (
        <button key={choice.value} type="button" aria-pressed={choice.value === wanted} onClick={() => onWant(choice.value)}>
          {choice.name} <strong>{plain(choice.count)}</strong>
        </button>
      ))}
    </div>
  );
}
