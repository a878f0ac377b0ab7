// Ending a shift: who takes over, what is said to them, and a look at what stands before it is done.

import { useState } from "preact/hooks";
import { body, client } from "../../api/client";
import { useCommandKey } from "../../api/command_key";
import { Problem, problemText } from "../../api/problem";
import { announce } from "../../parts/announce";
import { Dialog } from "../../parts/dialog";
import { Field } from "../../parts/field";
import { Status } from "../../parts/status";
import { t, type Text } from "../../words";
import { matterKey, matterName, matterWhat, words, type Matter, type Shift } from "./handover_words";

const own = {
  title: (shift: number): Text => ({ en: `Hand shift ${shift} over`, zh: `交接第 ${shift} 班` }),
  takesOver: { en: "Who takes over", zh: "接班人" },
  takesOverHint: { en: "Their account's name.", zh: "接班人的账户名。" },
  needed: { en: "Please say who takes over.", zh: "请填写接班人。" },
  remarks: { en: "Remarks for them", zh: "交班说明" },
  stands: (count: number): Text => ({
    en: count === 0 ? "Nothing stands." : count === 1 ? "One matter stands and goes into the hand-over:" : `${count} matters stand and go into the hand-over:`,
    zh: count ? `以下 ${count} 项遗留事项将写入交接记录：` : "无遗留事项。",
  }),
  isNew: { en: "new", zh: "新增" },
  changed: {
    en: "Something new stands or was written down meanwhile. Please go through it again.",
    zh: "期间出现新的遗留事项或值班记录，请重新核对。",
  },
  read: { en: "Both of us went through this.", zh: "交接双方已逐项核对。" },
  confirmFirst: { en: "Please go through it together first.", zh: "请先共同核对。" },
  cancel: { en: "Cancel", zh: "取消" },
  handOver: { en: "Hand over", zh: "确认交接" },
  done: (who: string): Text => ({ en: `Handed over to ${who}.`, zh: `已交接给 ${who}。` }),
};

interface HandOverProps {
  shift: Shift;
  onClose: () => void;
  onDone: () => void;
}

const fetchShift = (): Promise<Shift> => body(client.GET("/api/v1/shift"));

export function HandOverDialog({ shift, onClose, onDone }: HandOverProps) {
  /** What both look at: it is handed over as they saw it, or they look again. */
  const [looked, setLooked] = useState<{ shift: Shift; before: ReadonlySet<string> | null }>({ shift, before: null });
  const [who, setWho] = useState("");
  const [remarks, setRemarks] = useState("");
  const [isRead, setRead] = useState(false);
  const [whoFault, setWhoFault] = useState<string | null>(null);
  const [fault, setFault] = useState("");
  const { isBusy, send } = useCommandKey();
  const submit = (event: Event): void => {
    event.preventDefault();
    setWhoFault(who.trim() ? null : t(own.needed));
    setFault(isRead ? "" : t(own.confirmFirst));
    if (!who.trim() || !isRead) return;
    const seen = looked.shift.seen ?? "";
    const order = { shift: shift.shift, seen, takes_over: who.trim(), remarks: remarks.trim() };
    send(order, (headers) => body(client.POST("/api/v1/shift/hand-over", { body: order, headers })), {
      done: () => {
        announce(t(own.done(order.takes_over)));
        onDone();
      },
      failed: (error) => {
        lookAgain(error).then(
          (isNew) => setFault(isNew ? t(own.changed) : problemText(error)),
          (other: unknown) => setFault(problemText(other)),
        );
      },
    });
  };
  /** Shows what is new, where that is why it was refused. */
  const lookAgain = async (error: unknown): Promise<boolean> => {
    if (!(error instanceof Problem && error.status === 409)) return false;
    const now = await fetchShift();
    if (now.shift !== shift.shift || now.seen === looked.shift.seen) return false;
    setLooked({ shift: now, before: new Set(looked.shift.standing.map(matterKey)) });
    setRead(false);
    return true;
  };
  return (
    <Dialog title={own.title(shift.shift)} onClose={onClose}>
      <form class="form" onSubmit={submit} noValidate>
        <Standing shift={looked.shift} before={looked.before} />
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

/** All of it, however long: nobody takes over what they cannot read. */
function Standing({ shift, before }: { shift: Shift; before: ReadonlySet<string> | null }) {
  const isNew = (matter: Matter): boolean => before !== null && !before.has(matterKey(matter));
  return (
    <>
      <p>{t(own.stands(shift.standing.length + shift.more))}</p>
      {shift.standing.length > 0 && (
        <div class="matters-frame" tabIndex={0} role="region" aria-label={t(words.standing)}>
          <ul class="matters-short">
            {shift.standing.map((matter) => (
              <li key={matterKey(matter)}>
                {isNew(matter) && <Status tone="warn">{t(own.isNew)}</Status>} {matterName(matter).name}
                {matter.feeder && ` · ${matter.feeder}`}
                {matterWhat(matter) && ` · ${matterWhat(matter)}`}
              </li>
            ))}
            {shift.more > 0 && <li class="muted">{t(words.more(shift.more))}</li>}
          </ul>
        </div>
      )}
    </>
  );
}
