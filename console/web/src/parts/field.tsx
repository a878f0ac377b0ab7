// A labelled input with its hint and its fault, tied together for screen readers.

import type { ComponentChildren } from "preact";
import { useRef } from "preact/hooks";
import { t, type Text } from "../words";

/** What ties an input to its label, hint and fault. */
export interface Tie {
  id: string;
  "aria-describedby"?: string;
  "aria-invalid"?: true;
}

interface FieldProps {
  label: Text;
  hint?: Text;
  fault?: string | null;
  children: (tie: Tie) => ComponentChildren;
}

let numbered = 0;

/** `children` gets the attributes that tie its input to the label: `{(tie) => <input {...tie} />}`. */
export function Field({ label, hint, fault, children }: FieldProps) {
  const id = useRef(`field-${(numbered += 1)}`).current;
  const told = hint || fault ? `${id}-told` : undefined;
  const invalid = fault ? { "aria-invalid": true as const } : {};
  return (
    <div class="field">
      <label for={id}>{t(label)}</label>
      {children({ id, ...(told ? { "aria-describedby": told } : {}), ...invalid })}
      {told && (
        <span id={told} class={fault ? "fault" : "hint"}>
          {fault ?? (hint ? t(hint) : "")}
        </span>
      )}
    </div>
  );
}

interface ChoiceProps<Value extends string> {
  label: Text;
  value: Value;
  options: readonly { readonly value: Value; readonly name: Text }[];
  onChange: (value: Value) => void;
}

/** One of a few, all in view. */
export function Choice<Value extends string>({ label, value, options, onChange }: ChoiceProps<Value>) {
  return (
    <div class="choice" role="group" aria-label={t(label)}>
      {options.map((option) => (
        <button
          key={option.value}
          type="button"
          aria-pressed={option.value === value}
          onClick={() => onChange(option.value)}
        >
          {t(option.name)}
        </button>
      ))}
    </div>
  );
}
