// A modal dialog on the browser's own element: focus stays within, Escape closes, and it returns to where one was.

import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { t, type Text } from "../words";
import { Icon } from "./icon";

const words = { close: { en: "Close", zh: "关闭" } };

interface DialogProps {
  title: Text;
  onClose: () => void;
  children: ComponentChildren;
  class?: string;
}

/** Open for as long as it is rendered. */
export function Dialog({ title, onClose, children, class: extra = "" }: DialogProps) {
  const place = useRef<HTMLDialogElement>(null);
  const heading = useRef(`dialog-${crypto.randomUUID()}`).current;
  useEffect(() => {
    const before = document.activeElement;
    place.current?.showModal();
    return () => before instanceof HTMLElement && before.focus();
  }, []);
  return (
    <dialog
      ref={place}
      class={extra}
      aria-labelledby={heading}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
    >
      <header class="dialog-head">
        <h2 id={heading}>{t(title)}</h2>
        <button type="button" class="quiet" aria-label={t(words.close)} onClick={onClose}>
          <Icon name="close" />
        </button>
      </header>
      {children}
    </dialog>
  );
}
