// A state as a sign and a word: grey when normal, coloured only when somebody should look (ISA-101), and
// never told by colour alone.

import type { ComponentChildren } from "preact";

export type Tone = "normal" | "good" | "info" | "warn" | "bad" | "off";

const SIGNS: Readonly<Record<Tone, string>> = { normal: "", good: "✓", info: "●", warn: "▲", bad: "■", off: "○" };

export function Status({ tone = "normal", children }: { tone?: Tone; children: ComponentChildren }) {
  return (
    <span class={`status ${tone}`}>
      {SIGNS[tone] && (
        <span class="sign" aria-hidden="true">
          {SIGNS[tone]}
        </span>
      )}
      {children}
    </span>
  );
}

interface TileProps {
  label: ComponentChildren;
  value: ComponentChildren;
  tone?: Tone;
  note?: ComponentChildren;
}

/** One figure with its name. */
export function Tile({ label, value, tone = "normal", note }: TileProps) {
  return (
    <div class={`tile ${tone}`}>
      <dt>{label}</dt>
      <dd>
        {SIGNS[tone] && (
          <span class="sign" aria-hidden="true">
            {SIGNS[tone]}
          </span>
        )}
        {value}
      </dd>
      {note !== undefined && <dd class="tile-note">{note}</dd>}
    </div>
  );
}

export function Tiles({ children }: { children: ComponentChildren }) {
  return <dl class="tiles">{children}</dl>;
}
