import { Field } from "../../parts/field";
import { words } from "./words";

/** Why somebody decides so; it stands in the journal. */
export function Why({ value, fault, onChange }: { value: string; fault: string | null; onChange: (value: string) => void }) {
  return (
    <Field label={words.why} hint={words.whyHint} fault={fault}>
      {(tie) => <textarea {...tie} maxLength={200} required value={value} onInput={(event) => onChange(event.currentTarget.value)} />}
    </Field>
  );
}
