// Ending a shift: who takes over, what is said to them, and a look at what stands before it is done.

import { useState } from "preact/hooks";
import { body, client } from "../../api/client";
import { problemText } from "../../api/problem";
import { announce } from "../../parts/announce";
import { Dialog } from "../../parts/dialog";
import { Field } from "../../parts/field";
import { t, type Text } from "../../words";
import { matterName, matterWhat, type Shift } from "./handover_words";

const own = {
  title: (shift: number): Text => ({ en: `Hand shift ${shift} over`, zh: `交接第 ${shift} 班` }),
  takesOver: { en: "Who takes over", zh: "接班人" },
  takesOverHint: { en: "Their account's name.", zh: "接班人的账户名。" },
  needed: { en: "Please say who takes over.", zh: "请填写接班人。" },
  remarks: { en: "Remarks for them", zh: "交班说明" },
  stands: (count: number): Text => ({
    en: count ? `${count} matters stand and go into the hand-over:` : "Nothing stands.",
    zh: count ? `以下 ${count} 项遗留事项将写入交接记录：` : "无遗留事项。",
  }),
  more: (count: number): Text => ({ en: `and ${count} more`, zh: `另有 ${count} 项` }),
  read: { en: "Both of us went through this.", zh: "交接双方已逐项核对。" },
  confirmFirst: { en: "Please go through it together first.", zh: "请先共同核对。" },
  cancel: { en: "Cancel", zh: "取消" },
  handOver: { en: "Hand over", zh: "确认交接" },
  done: (who: string): Text => ({ en: `Handed over to ${who}.`, zh: `已交接给 ${who}。` }),
};
const SHOWN = 8;

interface HandOverProps {
  shift: Shift;
  onClose: () => void;
  onDone: () => void;
}

export function HandOverDialog({ shift, onClose, onDone }: HandOverProps) {
  const [who, setWho] = useState("");
  const [remarks, setRemarks] = useState("");
  const [isRead, setRead] = useState(false);
  const [whoFault, setWhoFault] = useState<string | null>(null);
  const [fault, setFault] = useState("");
  const [isBusy, setBusy] = useState(false);
  const send = (event: Event): void => {
    event.preventDefault();
    setWhoFault(who.trim() ? null : t(own.needed));
    setFault(isRead ? "" : t(own.confirmFirst));
    if (!who.trim() || !isRead) return;
    setBusy(true);
    const order = { shift: shift.shift, takes_over: who.trim(), remarks: remarks.trim() };
    body(client.POST("/api/v1/shift/hand-over", { body: order })).then(
      () => {
        announce(t(own.done(who.trim())));
        onDone();
      },
      (error: unknown) => {
        setFault(problemText(error));
        setBusy(false);
      },
    );
  };
  return (
    <Dialog title={own.title(shift.shift)} onClose={onClose}>
      <form class="form" onSubmit={send} noValidate>
        <p>{t(own.stands(shift.standing.length))}</p>
        {shift.standing.length > 0 && (
          <ul class="matters-short">
            {shift.standing.slice(0, SHOWN).map((matter) => (
              <li key={`${matter.kind}${matter.feeder}${matter.what}${matter.since}`}>
                {matterName(matter).name}
                {matter.feeder && ` · ${matter.feeder}`}
                {matterWhat(matter) && ` · ${matterWhat(matter)}`}
              </li>
            ))}
            {shift.standing.length > SHOWN && <li class="muted">{t(own.more(shift.standing.length - SHOWN))}</li>}
          </ul>
        )}
        <Field label={own.takesOver} hint={own.takesOverHint} fault={whoFault}>
          {(tie) => <input {...tie} value={who} maxLength={200} required onInput={(event) => setWho(event.currentTarget.value)} />}
        </Field>
        <Field label={own.remarks}>
          {(tie) => (
            <textarea {...tie} rows={4} maxLength={2000} value={remarks} onInput={(event) => setRemarks(event.currentTarget.value)} />
          )}
        </Field>
        <label class="row">
          <input type="checkbox" checked={isRead} onChange={(event) => setRead(event.currentTarget.checked)} />
          {t(own.read)}
        </label>
        {fault && (
          <p class="fault" role="alert">
            {fault}
          </p>
        )}
        <div class="row end">
          <button type="button" onClick={onClose}>
            {t(own.cancel)}
          </button>
          <button type="submit" class="primary" disabled={isBusy}>
            {t(own.handOver)}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
