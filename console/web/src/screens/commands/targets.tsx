// Whom an order names: devices or customers, one after another, offered from the feeder's own.

import { useRef, useState } from "preact/hooks";
import { Field } from "../../parts/field";
import { Icon } from "../../parts/icon";
import type { Layout } from "../../parts/network/layout";
import { t, type Text } from "../../words";

const words = {
  many: { en: "Devices or customers", zh: "设备或用户" },
  one: { en: "Device, customer or request", zh: "设备、用户或请求" },
  hint: { en: "A customer stands for all their devices. Enter adds it.", zh: "用户代表其名下全部设备。按回车添加。" },
  add: { en: "Add", zh: "添加" },
  remove: (name: string): Text => ({ en: `Remove ${name}`, zh: `移除 ${name}` }),
};
export const MOST_TARGETS = 200;
const MOST_OFFERED = 500;

interface TargetsProps {
  /** To be offered. */
  names: readonly string[];
  chosen: readonly string[];
  onChange: (chosen: readonly string[]) => void;
  /** Several of them may be named. */
  isMany: boolean;
  fault: string | null;
}

export function Targets({ names: known, chosen, onChange, isMany, fault }: TargetsProps) {
  const [typed, setTyped] = useState("");
  const list = useRef(`targets-${crypto.randomUUID()}`).current;
  if (!isMany) {
    return (
      <Field label={words.one} fault={fault}>
        {(tie) => (
          <>
            <input
              {...tie}
              list={list}
              required
              maxLength={200}
              value={chosen[0] ?? ""}
              onInput={(event) => onChange(event.currentTarget.value ? [event.currentTarget.value] : [])}
            />
            <Offered id={list} names={known} />
          </>
        )}
      </Field>
    );
  }
  const add = (): void => {
    const names = typed.split(/[\s,，、;；]+/).filter(Boolean);
    if (names.length) onChange([...new Set([...chosen, ...names])]);
    setTyped("");
  };
  return (
    <div class="targets">
      <Field label={words.many} hint={words.hint} fault={fault}>
        {(tie) => (
          <span class="row">
            <input
              {...tie}
              list={list}
              value={typed}
              onInput={(event) => setTyped(event.currentTarget.value)}
              onBlur={add}
              onKeyDown={(event) => {
                if (event.key !== "Enter") return;
                event.preventDefault();
                add();
              }}
            />
            <button type="button" onClick={add}>
              {t(words.add)}
            </button>
            <Offered id={list} names={known} />
          </span>
        )}
      </Field>
      {chosen.length > 0 && (
        <ul class="row chips">
          {chosen.map((name) => (
            <li key={name}>
              <button
                type="button"
                aria-label={t(words.remove(name))}
                onClick={() => onChange(chosen.filter((one) => one !== name))}
              >
                {name} <Icon name="close" size={12} />
              </button>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

function Offered({ id, names }: { id: string; names: readonly string[] }) {
  return (
    <datalist id={id}>
      {names.slice(0, MOST_OFFERED).map((name) => (
        <option key={name} value={name} />
      ))}
    </datalist>
  );
}

/** Devices, then customers. */
export function namesOn(layout: Layout): readonly string[] {
  const customers = layout.service_points.customer.filter((one): one is string => one !== null);
  return [...layout.devices.id, ...new Set(customers)];
}
