// What happened, step by step, grouped by phase. What single requests did is left out unless asked for: it is
// most of the steps, and stands in the requests as well.

import { useMemo, useState } from "preact/hooks";
import { when } from "../../format";
import { Panel } from "../../parts/page";
import { Status, type Tone } from "../../parts/status";
import { t, type Text } from "../../words";
import type { EventBody, Step } from "./bodies";
import { PHASES, phaseText } from "./event_words";
import { stepText } from "./step_words";

const words = {
  title: { en: "Timeline", zh: "时间线" },
  single: { en: "Show each request's own steps", zh: "显示每个请求的步骤" },
  count: (n: number): Text => ({ en: `${n} steps`, zh: `${n} 步` }),
  hidden: (n: number): Text => ({ en: `${n} steps of single requests`, zh: `另有 ${n} 个单个请求的步骤` }),
  entry: { en: "Entry in the journal", zh: "日志条目" },
  bounded: (shown: number, all: number): Text => ({
    en: `${shown} of ${all} steps are here; the report has them all.`,
    zh: `此处显示 ${all} 步中的 ${shown} 步，完整内容见报告。`,
  }),
};
const TONES: Readonly<Record<string, Tone>> = { alarm: "bad", warning: "warn" };

export function Timeline({ event }: { event: EventBody }) {
  const [isWhole, setWhole] = useState(false);
  const phases = useMemo(() => grouped(event.steps), [event.steps]);
  return (
    <Panel
      title={words.title}
      tools={
        <label class="row small">
          <input type="checkbox" checked={isWhole} onChange={(change) => setWhole(change.currentTarget.checked)} />
          {t(words.single)}
        </label>
      }
    >
      {phases.map(([phase, steps]) => (
        <PhaseSteps key={phase} phase={phase} steps={steps} isWhole={isWhole} />
      ))}
      {event.steps_total > event.steps.length && (
        <p class="muted small">{t(words.bounded(event.steps.length, event.steps_total))}</p>
      )}
    </Panel>
  );
}

function PhaseSteps({ phase, steps, isWhole }: { phase: string; steps: readonly Step[]; isWhole: boolean }) {
  const shown = isWhole ? steps : steps.filter((step) => step.request === null);
  const hidden = steps.length - shown.length;
  return (
    <details class="phase" open>
      <summary>
        <h3>{phaseText(phase)}</h3> <span class="muted small">{t(words.count(steps.length))}</span>
      </summary>
      <ol class="steps">
        {shown.map((step, place) => (
          <li key={step.seq ?? `${step.key}-${place}`}>
            <time dateTime={step.at}>{when(step.at)}</time>
            <StepText step={step} />
            {step.seq !== null && (
              <span class="seq muted small" title={t(words.entry)}>
                #{step.seq}
              </span>
            )}
          </li>
        ))}
        {hidden > 0 && <li class="muted small hidden-steps">{t(words.hidden(hidden))}</li>}
      </ol>
    </details>
  );
}

function StepText({ step }: { step: Step }) {
  const tone = TONES[step.severity];
  return tone ? (
    <span class="step-text">
      <Status tone={tone}>{stepText(step)}</Status>
    </span>
  ) : (
    <span class="step-text">{stepText(step)}</span>
  );
}

function grouped(steps: readonly Step[]): readonly (readonly [string, readonly Step[]])[] {
  const known = [...Object.keys(PHASES), ...steps.map((step) => step.phase)];
  return [...new Set(known)]
    .map((phase) => [phase, steps.filter((step) => step.phase === phase)] as const)
    .filter(([, found]) => found.length > 0);
}
