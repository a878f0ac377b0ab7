// "What if I limit these": the load flow's answer before anything is ordered.

import { useEffect, useRef, useState } from "preact/hooks";
import { body, client } from "../../api/client";
import { percent, siteNowMs } from "../../format";
import { announce } from "../../parts/announce";
import { Field } from "../../parts/field";
import { Icon } from "../../parts/icon";
import { placesOf, type Layout } from "../../parts/network/layout";
import { Panel } from "../../parts/page";
import { Empty, ProblemNote } from "../../parts/states";
import { may, who } from "../../session";
import { t, type Text } from "../../words";
import { DirectionChoice, limitableOn, limitLabel, usualDirection, type Direction } from "../commands/direction";
import { figureOf, type Preset } from "../commands/order_dialog";
import { Answer, type WhatIf } from "./what_if_answer";

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
  limitHint: { en: "No device goes below its guaranteed minimum.", zh: "任何设备都不会低于其保障功率。" },
  minutes: { en: "For so many minutes", zh: "持续时间（分钟）" },
  preview: { en: "Preview", zh: "预演" },
  again: { en: "The preview is out of date: preview again.", zh: "预演结果已过时，请重新预演。" },
  order: { en: "Draft this order …", zh: "拟写该指令……" },
  notSignedIn: { en: "Sign in to preview and to order.", zh: "请登录后再进行预演或下达指令。" },
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
  const [said, setDirection] = useState<Direction>();
  const [problem, setProblem] = useState<unknown>(undefined);
  const [isBusy, setBusy] = useState(false);
  const [asked, setAsked] = useState<{ key: string; order: PresetOrder } | null>(null);
  const targets = targetsOf(layout, chosen);
  const usual = usualDirection(targets, limitableOn(layout));
  const direction = usual === null ? "consumption" : (said ?? usual);
  const [limit, span] = [figureOf(limitKw) ?? NaN, figureOf(minutes) ?? NaN]; // what is empty is no limit of 0
  const isWell = targets.length > 0 && targets.length <= MOST_TARGETS && limit >= 0 && span > 0 && span <= MOST_MINUTES;
  const key = JSON.stringify([targets, limit, span, direction]);
  const isOfThis = asked?.key === key;
  const out = useRef<AbortController | null>(null);
  useEffect(() => {
    onPreview(null); // another choice: the drawing goes back to the present
    setBusy(false);
    return () => out.current?.abort(); // nobody asks for that answer any more
  }, [key]);

  const ask = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    if (!isWell) return;
    out.current?.abort();
    const mine = (out.current = new AbortController());
    setBusy(true);
    setProblem(undefined);
    const until = new Date(siteNowMs.value + span * 60_000).toISOString();
    const order = { action: "limit" as const, targets, limit_kw: limit, direction, until };
    try {
      const found = await body<WhatIf>(
        client.POST("/api/v1/feeders/{feeder}/what-if", {
          params: { path: { feeder: layout.feeder } },
          body: { orders: [{ ...order, targets: [...targets] }], columns: true },
          signal: mine.signal,
        }),
      );
      if (mine.signal.aborted) return;
      setAsked({ key, order });
      onPreview(found);
      announce(t(words.done(percent(found.before.highest_loading_percent), percent(found.after.highest_loading_percent))));
    } catch (error) {
      if (mine.signal.aborted) return;
      setProblem(error);
      onPreview(null);
    } finally {
      if (!mine.signal.aborted) setBusy(false);
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
          {usual !== null && <DirectionChoice direction={direction} onChange={setDirection} />}
          <Field label={limitLabel(direction)} hint={words.limitHint}>
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
      {preview && isOfThis && <Answer {...props} preview={preview} />}
      {asked && !preview && !isBusy && problem === undefined && <p class="muted">{t(words.again)}</p>}
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
