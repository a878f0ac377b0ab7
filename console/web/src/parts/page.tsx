// The frame of a screen: its heading, what can be done there, and its panels.

import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { entrance } from "../session";
import { t, type Text } from "../words";

interface PageProps {
  title: Text;
  /** Beside the heading: buttons, filters. */
  tools?: ComponentChildren;
  children: ComponentChildren;
}

/** Who opens the console begins at its top; who goes on to another screen, at that screen's heading. */
let isFirst = true;

/** Each screen is one. */
export function Page({ title, tools, children }: PageProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  const text = t(title);
  useEffect(() => {
    document.title = `${text} · ${entrance.value?.site ?? "Gridward"}`;
  }, [text]);
  useEffect(() => {
    if (!isFirst) heading.current?.focus({ preventScroll: true });
    isFirst = false;
  }, []);
  return (
    <div class="page">
      <header class="page-head">
        <h1 tabIndex={-1} ref={heading}>
          {text}
        </h1>
        {tools && <div class="page-tools">{tools}</div>}
      </header>
      {children}
    </div>
  );
}

interface PanelProps {
  title: Text;
  tools?: ComponentChildren;
  /** A class of the style sheet, such as `wide`. */
  class?: string;
  children: ComponentChildren;
}

let numbered = 0;

/** A part of a screen with a heading of its own. */
export function Panel({ title, tools, class: extra = "", children }: PanelProps) {
  const id = useRef(`panel-${(numbered += 1)}`).current;
  return (
    <section class={`panel ${extra}`} aria-labelledby={id}>
      <header class="panel-head">
        <h2 id={id}>{t(title)}</h2>
        {tools && <div class="panel-tools">{tools}</div>}
      </header>
      {children}
    </section>
  );
}
