// An order in two steps: what is to be done and why, then its effect, then the confirmation. What frees people
// may be done at once. Used wherever an order begins: `<OrderDialog feeder={…} preset={…} onClose={…} />`.

import { useState } from "preact/hooks";
import { body, client } from "../../api/client";
import { useCommandKey } from "../../api/command_key";
import { useResource } from "../../api/resource";
import { siteNowMs } from "../../format";
import { announce } from "../../parts/announce";
import { Dialog } from "../../parts/dialog";
import { Field } from "../../parts/field";
import { t, verbatim, type Text } from "../../words";
import "./commands.css";
import { DirectionChoice, limitableOn, limitLabel, usualDirection, type Direction } from "./direction";
import { ACTIONS, draftOrder, FREEING, giveAtOnce, NEED_TARGET, type Action, type Order, type OrderToGive } from "./order_api";
import { Review } from "./order_review";
import { refreshOrders } from "./order_store";
import { ACTION_NAMES } from "./order_words";
import { refusalText } from "./refusal_words";
import { MOST_TARGETS, namesOn, Targets } from "./targets";

export interface Preset {
  readonly action?: Action;
  readonly targets?: readonly string[];
  readonly limit_kw?: number;
  readonly direction?: Direction;
  /** An end that was chosen already. */
  readonly until?: string;
}
interface OrderDialogProps {
  feeder: string;
  preset?: Preset | null;
  onClose: () => void;
}

const MOST_MINUTES = 24 * 60;
const words = {
  title: (feeder: string): Text => ({ en: `Order for ${feeder}`, zh: `${feeder}：下达指令` }),
  action: { en: "Order", zh: "指令" },
  limitHint: { en: "No device goes below its guaranteed minimum.", zh: "任何设备都不会低于其保障功率。" },
  minutes: { en: "For so many minutes", zh: "持续时间（分钟）" },
  why: { en: "Reason", zh: "原因" },
  whyHint: { en: "Stands in the journal with your name.", zh: "将连同您的姓名写入日志。" },
  cancel: { en: "Cancel", zh: "取消" },
  preview: { en: "Show the effect …", zh: "查看效果……" },
  previewFirst: { en: "Show the effect first …", zh: "先查看效果……" },
  atOnce: { en: "Do it now", zh: "立即执行" },
  given: { en: "The order is carried out.", zh: "指令已执行。" },
  targetNeeded: { en: "Please name whom.", zh: "请填写对象。" },
  tooMany: { en: `At most ${MOST_TARGETS} in one order.`, zh: `一条指令最多 ${MOST_TARGETS} 个对象。` },
  limitNeeded: { en: "Please give a limit in kW, 0 or more, such as 4.2.", zh: "请填写限值（kW），须为不小于 0 的数，例如 4.2。" },
  minutesNeeded: {
    en: `Please give a number of minutes from 1 to ${MOST_MINUTES}.`,
    zh: `请填写 1 至 ${MOST_MINUTES} 之间的分钟数。`,
  },
  whyNeeded: { en: "Please say why.", zh: "请填写原因。" },
};
const FIRST_LIMIT_KW = 4.2;
const FIRST_MINUTES = 15;
const LONGEST_REASON = 200;

export function OrderDialog({ feeder, preset = null, onClose }: OrderDialogProps) {
  const [draft, setDraft] = useState<string | null>(null);
  return (
    <Dialog title={words.title(feeder)} onClose={onClose} class="order-dialog">
      {draft === null ? (
        <OrderForm feeder={feeder} preset={preset ?? {}} onDrafted={setDraft} onClose={onClose} />
      ) : (
        <Review draft={draft} onClose={onClose} />
      )}
    </Dialog>
  );
}

interface OrderFormProps {
  feeder: string;
  preset: Preset;
  onDrafted: (draft: string) => void;
  onClose: () => void;
}
type Faulty = "targets" | "limit" | "minutes" | "why" | null;

function OrderForm({ feeder, preset, onDrafted, onClose }: OrderFormProps) {
  const [action, setAction] = useState<Action>(preset.action ?? "limit");
  const [targets, setTargets] = useState<readonly string[]>(preset.targets ?? []);
  const [limit, setLimit] = useState(String(preset.limit_kw ?? FIRST_LIMIT_KW));
  const [minutes, setMinutes] = useState(String(preset.until ? minutesUntil(preset.until) : FIRST_MINUTES));
  const [said, setDirection] = useState(preset.direction);
  const [why, setWhy] = useState("");
  const [faulty, setFaulty] = useState<Faulty>(null);
  const [fault, setFault] = useState<string | null>(null);
  const { isBusy, send } = useCommandKey();
  const { data: known } = useResource((signal) => knownOn(feeder, signal), [feeder]);
  const usual = known ? usualDirection(targets, known.limitable) : null;
  // before it is known who can feed in, what was said stands
  const direction = known && usual === null ? "consumption" : (said ?? usual ?? "consumption");

  const refuse = (which: Faulty, text: Text): null => {
    setFaulty(which);
    setFault(t(text));
    return null;
  };
  /** As it stands in the form; `until` follows once it is sent. */
  const told = (): (Omit<OrderToGive, "until"> & { forMinutes: number | null }) | null => {
    const isLacking = NEED_TARGET.has(action) && targets.length === 0;
    if (isLacking || targets.length > MOST_TARGETS) {
      return refuse("targets", isLacking ? words.targetNeeded : words.tooMany);
    }
    const isLimit = action === "limit";
    const limitKw = figureOf(limit);
    const forMinutes = figureOf(minutes);
    // what is empty or cannot be read is no 0: that would be the hardest limit of all
    if (isLimit && limitKw === null) return refuse("limit", words.limitNeeded);
    if (isLimit && (forMinutes === null || forMinutes < 1 || forMinutes > MOST_MINUTES)) {
      return refuse("minutes", words.minutesNeeded);
    }
    if (!why.trim()) return refuse("why", words.whyNeeded);
    setFaulty(null);
    setFault(null);
    const given = { action, targets, direction, why: why.trim() };
    return { ...given, limit_kw: isLimit ? limitKw : null, forMinutes: isLimit ? forMinutes : null };
  };
  const failed = (error: unknown): void => setFault(refusalText(error));
  const submit = (isAtOnce: boolean): void => {
    const form = told();
    if (!form) return;
    const orderAt = (pressedMs: number): OrderToGive => ({ ...form, until: untilOf(form.forMinutes, pressedMs) });
    if (isAtOnce) {
      const done = (): void => {
        announce(t(words.given));
        refreshOrders();
        onClose();
      };
      send({ ...form, isAtOnce }, (headers, pressedMs) => giveAtOnce(feeder, orderAt(pressedMs), headers), { done, failed });
      return;
    }
    const done = (drafted: Order): void => {
      refreshOrders();
      onDrafted(drafted.order);
    };
    send({ ...form, isAtOnce }, (headers, pressedMs) => draftOrder(feeder, orderAt(pressedMs), headers), { done, failed });
  };
  const isFreeing = FREEING.has(action);
  return (
    <form
      class="form"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        submit(isFreeing);
      }}
    >
      {preset.action === undefined ? (
        <Field label={words.action}>
          {(tie) => (
            <select {...tie} value={action} onChange={(event) => setAction(event.currentTarget.value as Action)}>
              {ACTIONS.map((one) => (
                <option key={one} value={one}>
                  {t(ACTION_NAMES[one])}
                </option>
              ))}
            </select>
          )}
        </Field>
      ) : (
        <h3>{t(ACTION_NAMES[action])}</h3>
      )}
      {NEED_TARGET.has(action) && (
        <Targets
          names={known?.names ?? []}
          chosen={targets}
          onChange={setTargets}
          isMany={action === "limit"}
          fault={faulty === "targets" ? fault : null}
        />
      )}
      {action === "limit" && usual !== null && <DirectionChoice direction={direction} onChange={setDirection} />}
      {action === "limit" && (
        <HowMuch
          label={limitLabel(direction)}
          limit={limit}
          onLimit={setLimit}
          minutes={minutes}
          onMinutes={setMinutes}
          faulty={faulty}
          fault={fault}
        />
      )}
      <Field label={words.why} hint={words.whyHint} fault={faulty === "why" ? fault : null}>
        {(tie) => (
          <input {...tie} required maxLength={LONGEST_REASON} value={why} onInput={(event) => setWhy(event.currentTarget.value)} />
        )}
      </Field>
      {fault !== null && faulty === null && (
        <p class="fault" role="alert">
          {fault}
        </p>
      )}
      <div class="row end">
        <button type="button" onClick={onClose}>
          {t(words.cancel)}
        </button>
        {isFreeing && (
          <button type="button" disabled={isBusy} onClick={() => submit(false)}>
            {t(words.previewFirst)}
          </button>
        )}
        <button type="submit" class="primary" disabled={isBusy}>
          {t(isFreeing ? words.atOnce : words.preview)}
        </button>
      </div>
    </form>
  );
}

async function knownOn(feeder: string, signal: AbortSignal) {
  const layout = await body(client.GET("/api/v1/feeders/{feeder}/layout", { params: { path: { feeder } }, signal }));
  return { names: namesOn(layout), limitable: limitableOn(layout) };
}

interface HowMuchProps {
  label: Text;
  limit: string;
  onLimit: (limit: string) => void;
  minutes: string;
  onMinutes: (minutes: string) => void;
  faulty: Faulty;
  fault: string | null;
}

/** A figure of 0 or more with a dot or a comma before its decimals; null where it is none, or may be another:
 * 4,200 may be four or four thousand. */
export function figureOf(typed: string): number | null {
  const figure = typed.trim();
  if (!/^\d+([.,]\d+)?$/.test(figure) || /,\d{3}$/.test(figure)) return null;
  return Number(figure.replace(",", "."));
}

function HowMuch({ label, limit, onLimit, minutes, onMinutes, faulty, fault }: HowMuchProps) {
  return (
    <div class="row how-much">
      <Field label={label} hint={words.limitHint} fault={faulty === "limit" ? fault : null}>
        {(tie) => (
          <input {...tie} inputMode="decimal" required value={limit} onInput={(event) => onLimit(event.currentTarget.value)} />
        )}
      </Field>
      <Field label={words.minutes} fault={faulty === "minutes" ? fault : null}>
        {(tie) => (
          <input {...tie} inputMode="decimal" required value={minutes} onInput={(event) => onMinutes(event.currentTarget.value)} />
        )}
      </Field>
    </div>
  );
}

const untilOf = (minutes: number | null, fromMs: number): string | null =>
  minutes === null ? null : new Date(fromMs + minutes * 60_000).toISOString();

const minutesUntil = (until: string): number => Math.max(1, Math.round((Date.parse(until) - siteNowMs.value) / 60_000));

/** A draft that waits already, to be looked at and confirmed. */
export function DraftDialog({ draft, feeder, onClose }: { draft: string; feeder: string; onClose: () => void }) {
  return (
    <Dialog title={feeder ? words.title(feeder) : verbatim(draft)} onClose={onClose} class="order-dialog">
      <Review draft={draft} onClose={onClose} />
    </Dialog>
  );
}
