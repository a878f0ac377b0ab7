// Taking an alarm out of sight: until when, and why.

import { useState } from "preact/hooks";
import { useCommandKey } from "../../api/command_key";
import { problemText } from "../../api/problem";
import { siteNowMs, span, when } from "../../format";
import { Dialog } from "../../parts/dialog";
import { Choice, Field } from "../../parts/field";
import { t, verbatim, type Text } from "../../words";
import type { Alarm } from "./alarm_store";
import { nameOf } from "./alarm_words";
import { shelve } from "./commands";

const own = {
  title: { en: "Shelve an alarm", zh: "搁置告警" },
  told: (name: string): Text => ({
    en: `${name} will be out of sight and make no sound. It comes back by itself.`,
    zh: `${name} 将不再显示、不再发声，到期自动恢复。`,
  }),
  span: { en: "For", zh: "时长" },
  until: (at: string): Text => ({ en: `Until ${at}`, zh: `至 ${at}` }),
  why: { en: "Reason", zh: "原因" },
  whyHint: { en: "Stands in the journal with your name.", zh: "将连同您的姓名写入日志。" },
  needed: { en: "Please say why.", zh: "请填写原因。" },
  cancel: { en: "Cancel", zh: "取消" },
  shelve: { en: "Shelve", zh: "搁置" },
};
const SPANS_S: readonly number[] = [900, 3_600, 7_200, 14_400, 28_800, 86_400];
const LONGEST_REASON = 200;
/** Less by this, so that the longest is not over the site's own by the time it is there. */
const EARLY_MS = 5_000;

interface ShelveProps {
  one: Alarm;
  /** For so long at once, by the site's settings. */
  longestS: number;
  onClose: () => void;
}

/** The usual ones that are allowed, and at the end the longest. */
const spansOf = (longestS: number): readonly number[] => [...SPANS_S.filter((one) => one < longestS), longestS];

export function ShelveDialog({ one, longestS, onClose }: ShelveProps) {
  const [spanS, setSpan] = useState(String(Math.min(3_600, longestS)));
  const [why, setWhy] = useState("");
  const [fault, setFault] = useState<string | null>(null);
  const { isBusy, send } = useCommandKey();
  const untilFrom = (fromMs: number): number => fromMs + Number(spanS) * 1_000 - EARLY_MS;
  const submit = (event: Event): void => {
    event.preventDefault();
    if (!why.trim()) {
      setFault(t(own.needed));
      return;
    }
    send([spanS, why.trim()], (headers, pressedMs) => shelve(one, untilFrom(pressedMs), why.trim(), headers), {
      done: onClose,
      failed: (error) => setFault(problemText(error)),
    });
  };
  return (
    <Dialog title={own.title} onClose={onClose}>
      <form class="form" onSubmit={submit} noValidate>
        <p>{t(own.told(nameOf(one)))}</p>
        <div class="row">
          <Choice
            label={own.span}
            value={spanS}
            options={spansOf(longestS).map((some) => ({ value: String(some), name: verbatim(span(some)) }))}
            onChange={setSpan}
          />
          <span class="muted">{t(own.until(when(untilFrom(siteNowMs.value), false)))}</span>
        </div>
        <Field label={own.why} hint={own.whyHint} fault={fault}>
          {(tie) => (
            <input {...tie} value={why} maxLength={LONGEST_REASON} required onInput={(event) => setWhy(event.currentTarget.value)} />
          )}
        </Field>
        <div class="row end">
          <button type="button" onClick={onClose}>
            {t(own.cancel)}
          </button>
          <button type="submit" class="primary" disabled={isBusy}>
            {t(own.shelve)}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
