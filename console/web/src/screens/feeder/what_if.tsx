// "What if I limit these": the load flow's answer before anything is ordered.

import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { body, client } from "../../api/client";
import type { components } from "../../api/schema";
import { kw, percent, perUnit, siteNowMs, when } from "../../format";
import { announce } from "../../parts/announce";
import { Field } from "../../parts/field";
import { Icon } from "../../parts/icon";
import { nameOf, placesOf, type Layout } from "../../parts/network/layout";
import { loadingTone } from "../../parts/network/tones";
import { Panel } from "../../parts/page";
import { Empty, ProblemNote } from "../../parts/states";
import { Status } from "../../parts/status";
import { Table, type Column } from "../../parts/table";
import { may, who } from "../../session";
import { t, type Text } from "../../words";
import { CAUTIONS, REASONS } from "../commands/effect_words";
import type { Preset } from "../commands/order_dialog";
import { TONES } from "./feeder_words";

export type WhatIf = components["schemas"]["WhatIf"];
type ElementEffect = WhatIf["elements"][number];

/** The order that a preview was of. */
export type PresetOrder = Preset & Required<Pick<Preset, "targets" | "limit_kw" | "until">>;

const words = {
  title: { en: "What if I limit these?", zh: "限功率预演" },
  none: {
    en: "Choose service points in the list of customers, or in the details of an element.",
    zh: "请在用户列表或元件详情中选择供电点。",
  },
  chosen: (points: number, devices: number): Text => ({
    en: `${points} ${points === 1 ? "service point" : "service points"} with ${devices} ${devices === 1 ? "device" : "devices"} chosen`,
    zh: `已选 ${points} 个供电点，共 ${devices} 台设备`,
  }),
  tooMany: (most: number): Text => ({ en: `At most ${most} devices in one order.`, zh: `一条指令最多包含 ${most} 台设备。` }),
  remove: (name: string): Text => ({ en: `Remove ${name}`, zh: `移除 ${name}` }),
  clear: { en: "Remove all", zh: "全部移除" },
  limit: { en: "Limit for each device, kW", zh: "单台设备限值（kW）" },
  limitHint: { en: "No device goes below its guaranteed minimum.", zh: "任何设备都不会低于其保障功率。" },
  minutes: { en: "For so many minutes", zh: "持续时间（分钟）" },
  preview: { en: "Preview", zh: "预演" },
  again: { en: "The preview is of another choice or limit: preview again.", zh: "预演结果与当前选择不符，请重新预演。" },
  order: { en: "Draft this order …", zh: "起草该指令……" },
  show: { en: "Show it in the drawing", zh: "在图中显示" },
  notSignedIn: { en: "Sign in to preview and to order.", zh: "请登录后再进行预演或下达指令。" },
  before: { en: "Now", zh: "当前" },
  after: { en: "With these limits", zh: "限功率后" },
  highest: { en: "Highest loading", zh: "最高负载率" },
  voltage: { en: "Lowest voltage", zh: "最低电压" },
  outside: { en: "Outside their limits", zh: "越限元件" },
  substation: { en: "Power of the substation", zh: "台区功率" },
  noSolution: { en: "no load flow solution", zh: "潮流不收敛" },
  taken: (kw: string, customers: number): Text => ({
    en: `${kw} less, ${customers} ${customers === 1 ? "customer" : "customers"} affected`,
    zh: `减少 ${kw}，影响 ${customers} 个用户`,
  }),
  reach: (share: string): Text => ({ en: `${share} of the feeder's controllable power`, zh: `占馈线可控功率的 ${share}` }),
  critical: (names: string): Text => ({ en: `Critical, so never limited: ${names}`, zh: `重要用户，不限功率：${names}` }),
  leftOut: { en: "Left out", zh: "未纳入" },
  elements: { en: "Elements before and after", zh: "元件前后对比" },
  element: { en: "Element", zh: "元件" },
  of: { en: "Limit", zh: "限值" },
  at: (time: string): Text => ({ en: `On the readings of ${time}`, zh: `基于 ${time} 的量测数据` }),
  done: (from: string, to: string): Text => ({ en: `Highest loading from ${from} to ${to}`, zh: `最高负载率由 ${from} 变为 ${to}` }),
};
const MOST_TARGETS = 200;
const FIRST_LIMIT_KW = 4.2;
const FIRST_MINUTES = 15;
const MOST_MINUTES = 24 * 60;

interface WhatIfProps {
  layout: Layout;
  chosen: ReadonlySet<number>;
  onChoose: (points: ReadonlySet<number>) => void;
  /** The latest answer, and whether it is drawn. */
  preview: WhatIf | null;
  onPreview: (found: WhatIf | null) => void;
  isDrawn: boolean;
  onDraw: (isDrawn: boolean) => void;
  onOrder: (order: PresetOrder) => void;
  onSelect: (element: string) => void;
}

export function WhatIfPanel(props: WhatIfProps) {
  const { layout, chosen, onChoose, preview, onPreview, onOrder } = props;
  const [limitKw, setLimitKw] = useState(String(FIRST_LIMIT_KW));
  const [minutes, setMinutes] = useState(String(FIRST_MINUTES));
  const [problem, setProblem] = useState<unknown>(undefined);
  const [isBusy, setBusy] = useState(false);
  const [asked, setAsked] = useState<{ key: string; order: PresetOrder } | null>(null);
  const targets = targetsOf(layout, chosen);
  const [limit, span] = [Number(limitKw), Number(minutes)];
  const isWell = targets.length > 0 && targets.length <= MOST_TARGETS && limit >= 0 && span > 0 && span <= MOST_MINUTES;
  const key = JSON.stringify([targets, limit, span]);
  const isOfThis = asked?.key === key;
  useEffect(() => {
    if (chosen.size === 0) onPreview(null);
  }, [chosen]);

  const ask = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    if (!isWell) return;
    setBusy(true);
    setProblem(undefined);
    const until = new Date(siteNowMs.value + span * 60_000).toISOString();
    const order = { action: "limit" as const, targets, limit_kw: limit, until };
    try {
      const found = await body<WhatIf>(
        client.POST("/api/v1/feeders/{feeder}/what-if", {
          params: { path: { feeder: layout.feeder } },
          body: { orders: [{ ...order, targets: [...targets] }], columns: true },
        }),
      );
      setAsked({ key, order });
      onPreview(found);
      announce(t(words.done(percent(found.before.highest_loading_percent), percent(found.after.highest_loading_percent))));
    } catch (error) {
      setProblem(error);
      onPreview(null);
    } finally {
      setBusy(false);
    }
  };

  if (chosen.size === 0) {
    return (
      <Panel title={words.title} class="wide">
        <Empty>{t(words.none)}</Empty>
      </Panel>
    );
  }
  return (
    <Panel title={words.title} class="wide">
      <Chosen layout={layout} chosen={chosen} devices={targets.length} onChoose={onChoose} />
      {targets.length > MOST_TARGETS && <p class="fault">{t(words.tooMany(MOST_TARGETS))}</p>}
      {who.value && may("look", layout.feeder) ? (
        <form class="row what-if-form" onSubmit={(event) => void ask(event)}>
          <Field label={words.limit} hint={words.limitHint}>
            {(tie) => (
              <input {...tie} type="number" min={0} step={0.1} required value={limitKw} onInput={(event) => setLimitKw(event.currentTarget.value)} />
            )}
          </Field>
          <Field label={words.minutes}>
            {(tie) => (
              <input {...tie} type="number" min={1} max={MOST_MINUTES} step={1} required value={minutes} onInput={(event) => setMinutes(event.currentTarget.value)} />
            )}
          </Field>
          <button type="submit" disabled={!isWell || isBusy}>
            {t(words.preview)}
          </button>
          {preview && isOfThis && asked && may("operate", layout.feeder) && (
            <button type="button" class="primary" onClick={() => onOrder(asked.order)}>
              {t(words.order)}
            </button>
          )}
        </form>
      ) : (
        <Empty>{t(words.notSignedIn)}</Empty>
      )}
      {problem !== undefined && <ProblemNote problem={problem} />}
      {preview && (isOfThis ? <Answer {...props} preview={preview} /> : <p class="muted">{t(words.again)}</p>)}
    </Panel>
  );
}

/** The devices at these service points that may be limited at all. */
function targetsOf(layout: Layout, chosen: ReadonlySet<number>): string[] {
  const { devicesAt } = placesOf(layout);
  const { devices } = layout;
  return [...chosen].flatMap((point) =>
    (devicesAt[point] ?? []).filter((device) => !devices.protected[device]).map((device) => devices.id[device]!),
  );
}

interface ChosenProps {
  layout: Layout;
  chosen: ReadonlySet<number>;
  devices: number;
  onChoose: (points: ReadonlySet<number>) => void;
}

function Chosen({ layout, chosen, devices, onChoose }: ChosenProps) {
  const without = (point: number): ReadonlySet<number> => new Set([...chosen].filter((one) => one !== point));
  return (
    <div class="row">
      <span>{t(words.chosen(chosen.size, devices))}</span>
      <ul class="row chips">
        {[...chosen].slice(0, 30).map((point) => {
          const name = layout.service_points.name[point]!;
          return (
            <li key={point}>
              <button type="button" onClick={() => onChoose(without(point))} aria-label={t(words.remove(name))}>
                {name}
                <Icon name="close" size={12} />
              </button>
            </li>
          );
        })}
      </ul>
      <button type="button" class="quiet" onClick={() => onChoose(new Set())}>
        {t(words.clear)}
      </button>
    </div>
  );
}

const EFFECTS: readonly Column<ElementEffect & { name: string }>[] = [
  { key: "name", name: words.element, cell: (row) => row.name },
  { key: "before", name: words.before, isFigure: true, cell: (row) => percent(row.before_percent) },
  {
    key: "after",
    name: words.after,
    isFigure: true,
    cell: (row) => {
      const { tone, text } = TONES[loadingTone(row.after_percent, row.limit_percent)];
      return (
        <Status tone={tone}>
          {percent(row.after_percent)} <span class="unseen">{t(text)}</span>
        </Status>
      );
    },
  },
  { key: "limit", name: words.of, isFigure: true, cell: (row) => percent(row.limit_percent) },
];

function Answer({ layout, preview, isDrawn, onDraw, onSelect }: WhatIfProps & { preview: WhatIf }) {
  const rows = preview.elements.map((one) => ({ ...one, name: nameOf(layout, one.id) }));
  return (
    <div class="grid">
      <div>
        <p class="muted small">{t(words.at(when(preview.at)))}</p>
        <Compared preview={preview} />
        <p>{t(words.taken(kw(preview.curtailed_kw), preview.customers.length))}</p>
        <p class="muted">{t(words.reach(percent(preview.reach_percent)))}</p>
        {preview.critical_customers.length > 0 && <p>✚ {t(words.critical(preview.critical_customers.join(", ")))}</p>}
        {preview.cautions.map(({ code, text }) => (
          <p key={code}>
            <Status tone="warn">{CAUTIONS[code] ? t(CAUTIONS[code]) : text}</Status>
          </p>
        ))}
        <LeftOut preview={preview} />
        <label class="row">
          <input type="checkbox" checked={isDrawn} onChange={(event) => onDraw(event.currentTarget.checked)} />
          {t(words.show)}
        </label>
      </div>
      <Table caption={words.elements} columns={EFFECTS} rows={rows} id={(row) => row.id} onOpen={(row) => onSelect(row.id)} class="short" />
    </div>
  );
}

function LeftOut({ preview }: { preview: WhatIf }) {
  if (preview.left_out.length === 0) return null;
  return (
    <>
      <h3>{t(words.leftOut)}</h3>
      <ul>
        {preview.left_out.map(({ device, reason, text }) => (
          <li key={device}>
            {device}: {REASONS[reason] ? t(REASONS[reason]) : text}
          </li>
        ))}
      </ul>
    </>
  );
}

function Compared({ preview }: { preview: WhatIf }) {
  const { before, after } = preview;
  const row = (name: Text, say: (of: WhatIf["before"]) => ComponentChildren) => (
    <tr>
      <th scope="row">{t(name)}</th>
      <td class="figure">{before.converged ? say(before) : t(words.noSolution)}</td>
      <td class="figure">{after.converged ? say(after) : <Status tone="bad">{t(words.noSolution)}</Status>}</td>
    </tr>
  );
  return (
    <table class="compared">
      <thead>
        <tr>
          <td />
          <th scope="col" class="figure">
            {t(words.before)}
          </th>
          <th scope="col" class="figure">
            {t(words.after)}
          </th>
        </tr>
      </thead>
      <tbody>
        {row(words.highest, (of) => percent(of.highest_loading_percent))}
        {row(words.voltage, (of) => perUnit(of.lowest_v_pu))}
        {row(words.outside, (of) => (of.violations.length ? <Status tone="bad">{of.violations.length}</Status> : 0))}
        {row(words.substation, (of) => kw(of.substation_p_kw))}
      </tbody>
    </table>
  );
}
