// One alarm: what it says, why it is, what comes of it, what to do, and how it got here.

import type { ComponentChildren } from "preact";
import { when } from "../../format";
import { Dialog } from "../../parts/dialog";
import { t, type Text } from "../../words";
import type { Alarm } from "./alarm_store";
import { mayHandle } from "./commands";
import { figureOf, nameOf, STATES, waits, words } from "./alarm_words";
import { kindName } from "./kind_names";
import { RATIONALES } from "./kind_words";
import { PriorityMark } from "./priority_mark";

const own = {
  cause: { en: "Why", zh: "原因" },
  consequence: { en: "What comes of it", zh: "后果" },
  action: { en: "What to do", zh: "处置" },
  text: { en: "In the controller's words", zh: "控制器原文" },
  explained: { en: "Explained by", zh: "起因" },
  raised: { en: "Raised", zh: "触发" },
  times: (count: number): Text => ({ en: `(${count} times)`, zh: `（第 ${count} 次）` }),
  returned: { en: "Returned", zh: "复归" },
  acknowledged: { en: "Acknowledged", zh: "确认" },
  by: (who: string): Text => ({ en: `by ${who}`, zh: `（${who}）` }),
  shelved: { en: "Shelved until", zh: "搁置至" },
  noShelf: { en: "A critical alarm cannot be shelved.", zh: "紧急告警不可搁置。" },
};

interface DetailsProps {
  one: Alarm;
  cause: Alarm | undefined;
  onClose: () => void;
  isBusy: boolean;
  onAcknowledge: () => void;
  onShelve: () => void;
}

export function AlarmDetails({ one, cause, onClose, isBusy, onAcknowledge, onShelve }: DetailsProps) {
  const rationale = RATIONALES[one.kind];
  return (
    <Dialog title={kindName(one.kind)} onClose={onClose}>
      <div class="form">
        <p>
          <PriorityMark priority={one.priority} /> · {t(STATES[one.state])} · {one.feeder ?? t(words.site)}
          {figureOf(one) && ` · ${figureOf(one)}`}
        </p>
        <dl class="alarm-told">
          {rationale && (
            <>
              <Told name={own.cause}>{t(rationale.cause)}</Told>
              <Told name={own.consequence}>{t(rationale.consequence)}</Told>
              <Told name={own.action}>
                <strong>{t(rationale.action)}</strong>
              </Told>
            </>
          )}
          <Told name={own.text}>{one.text}</Told>
          {cause && <Told name={own.explained}>{nameOf(cause)}</Told>}
          <Told name={words.since}>{when(one.since)}</Told>
          <Told name={own.raised}>
            {when(one.raised_at)} {one.occurrence > 1 && t(own.times(one.occurrence))}
          </Told>
          {one.returned_at && <Told name={own.returned}>{when(one.returned_at)}</Told>}
          {one.acknowledged_at && (
            <Told name={own.acknowledged}>
              {when(one.acknowledged_at)} {one.acknowledged_by && t(own.by(one.acknowledged_by))}
            </Told>
          )}
          {one.shelved && (
            <Told name={own.shelved}>
              {when(one.shelved.until)} {t(own.by(one.shelved.who))}: {one.shelved.why}
            </Told>
          )}
        </dl>
        {mayHandle(one) && (
          <div class="row end">
            {one.priority === "critical" ? (
              <span class="muted small">{t(own.noShelf)}</span>
            ) : (
              <button type="button" onClick={onShelve}>
                {t(words.shelve)}
              </button>
            )}
            {waits(one) && (
              <button type="button" class="primary" disabled={isBusy} onClick={onAcknowledge}>
                {t(words.acknowledge)}
              </button>
            )}
          </div>
        )}
      </div>
    </Dialog>
  );
}

function Told({ name, children }: { name: Text; children: ComponentChildren }) {
  return (
    <div>
      <dt>{t(name)}</dt>
      <dd>{children}</dd>
    </div>
  );
}
