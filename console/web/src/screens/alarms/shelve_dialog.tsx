// Taking an alarm out of sight: until when, and why.

import { useState } from "preact/hooks";
import { problemText } from "../../api/problem";
import { siteNowMs, when } from "../../format";
import { Dialog } from "../../parts/dialog";
import { Choice, Field } from "../../parts/field";
import { t, type Text } from "../../words";
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
const HOURS = [
  { value: "0.25", name: { en: "15 min", zh: "15 分钟" } },
  { value: "1", name: { en: "1 h", zh: "1 小时" } },
  { value: "2", name: { en: "2 h", zh: "2 小时" } },
  { value: "4", name: { en: "4 h", zh: "4 小时" } },
  { value: "8", name: { en: "8 h", zh: "8 小时" } },
] as const;
type Hours = (typeof HOURS)[number]["value"];
const LONGEST_REASON = 200;
/** Less by this, so that the longest is not over the site's own by the time it is there. */
const EARLY_MS = 5_000;

export function ShelveDialog({ one, onClose }: { one: Alarm; onClose: () => void }) {
  const [hours, setHours] = useState<Hours>("1");
  const [why, setWhy] = useState("");
  const [fault, setFault] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);
  const untilMs = siteNowMs.value + Number(hours) * 3_600_000 - EARLY_MS;
  const send = (event: Event): void => {
    event.preventDefault();
    if (!why.trim()) {
      setFault(t(own.needed));
      return;
    }
    setBusy(true);
    shelve(one, untilMs, why.trim()).then(onClose, (error: unknown) => {
      setFault(problemText(error));
      setBusy(false);
    });
  };
  return (
    <Dialog title={own.title} onClose={onClose}>
      <form class="form" onSubmit={send} noValidate>
        <p>{t(own.told(nameOf(one)))}</p>
        <div class="row">
          <Choice label={own.span} value={hours} options={HOURS} onChange={setHours} />
          <span class="muted">{t(own.until(when(untilMs, false)))}</span>
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
