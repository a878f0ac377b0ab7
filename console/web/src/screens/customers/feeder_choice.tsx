// Which feeder's: a list to choose from, where there is more than one.

import { Field } from "../../parts/field";
import { t } from "../../words";
import { useFeederIds, words } from "./customer_words";

export function FeederChoice({ value, onChange }: { value: string; onChange: (feeder: string) => void }) {
  const feeders = useFeederIds();
  if (feeders.length < 2) return null;
  return (
    <Field label={words.feeder}>
      {(tie) => (
        <select {...tie} value={value} onChange={(event) => onChange(event.currentTarget.value)}>
          <option value="">{t(words.allFeeders)}</option>
          {feeders.map((id) => (
            <option key={id} value={id}>
              {id}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}
