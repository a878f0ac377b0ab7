// "Go to": a field that finds elements and customers while one types.

import { useRef, useState } from "preact/hooks";
import { t, type Text } from "../../words";
import { announce } from "../announce";
import { Icon } from "../icon";
import type { Layout } from "./layout";
import { search, type Hit } from "./search";

const words = {
  goTo: { en: "Go to element, customer or device", zh: "定位元件、用户或设备" },
  none: { en: "Nothing of that name", zh: "没有匹配项" },
  found: (n: number): Text => ({ en: `${n} found`, zh: `找到 ${n} 项` }),
};
const KINDS: Readonly<Record<Hit["kind"], Text>> = {
  bus: { en: "bus", zh: "节点" },
  line: { en: "line", zh: "线路" },
  transformer: { en: "transformer", zh: "变压器" },
  service_point: { en: "service point", zh: "供电点" },
  device: { en: "device", zh: "设备" },
};

let numbered = 0;

export function Finder({ layout, onFind }: { layout: Layout; onFind: (hit: Hit) => void }) {
  const [text, setText] = useState("");
  const [active, setActive] = useState(0);
  const [isOpen, setOpen] = useState(false);
  const id = useRef(`finder-${(numbered += 1)}`).current;
  const hits = isOpen ? search(layout, text) : [];
  const pick = (hit: Hit): void => {
    setText(hit.name);
    setOpen(false);
    onFind(hit);
  };
  const onKey = (event: KeyboardEvent): void => {
    if (event.key === "Escape") setOpen(false);
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      const step = event.key === "ArrowDown" ? 1 : -1;
      if (hits.length) setActive((active + step + hits.length) % hits.length);
    }
    const chosen = hits[active];
    if (event.key === "Enter" && chosen) pick(chosen);
  };
  const chosen = hits[active];
  return (
    <div class="finder">
      <Icon name="search" />
      <input
        type="search"
        role="combobox"
        aria-label={t(words.goTo)}
        placeholder={t(words.goTo)}
        aria-expanded={isOpen && text.trim() !== ""}
        aria-controls={`${id}-list`}
        aria-autocomplete="list"
        {...(chosen ? { "aria-activedescendant": `${id}-${active}` } : {})}
        value={text}
        onInput={(event) => {
          setText(event.currentTarget.value);
          setActive(0);
          setOpen(true);
          const count = search(layout, event.currentTarget.value).length;
          announce(count ? t(words.found(count)) : t(words.none));
        }}
        onFocus={() => setOpen(true)}
        onBlur={() => setTimeout(() => setOpen(false), 150)}
        onKeyDown={onKey}
      />
      <ul id={`${id}-list`} role="listbox" aria-label={t(words.goTo)} class={isOpen && text.trim() ? "hits" : "hits closed"}>
        {hits.map((hit, n) => (
          <li
            key={`${hit.kind}-${hit.name}-${hit.element}`}
            id={`${id}-${n}`}
            role="option"
            aria-selected={n === active}
            onPointerDown={(event) => {
              event.preventDefault();
              pick(hit);
            }}
          >
            <strong>{hit.name}</strong> <span class="muted">{t(KINDS[hit.kind])}</span>{" "}
            <span class="muted">{hit.more === hit.name ? "" : hit.more}</span>
          </li>
        ))}
        {isOpen && text.trim() && hits.length === 0 && (
          <li role="option" aria-selected={false} aria-disabled class="muted">
            {t(words.none)}
          </li>
        )}
      </ul>
    </div>
  );
}
