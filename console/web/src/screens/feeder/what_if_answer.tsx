// The answer to "what if": before and after, who is affected, who is left out, and what to know before ordering.

import type { components } from "../../api/schema";
import { percent, when } from "../../format";
import { nameOf, type Layout } from "../../parts/network/layout";
import { loadingTone } from "../../parts/network/tones";
import { Status } from "../../parts/status";
import { Table, type Column } from "../../parts/table";
import { t, type Text } from "../../words";
import { movedText, REASONS } from "../commands/effect_words";
import { Cautions, Compared } from "../commands/foreseen";
import { TONES } from "./feeder_words";

export type WhatIf = components["schemas"]["WhatIf"];
type ElementEffect = WhatIf["elements"][number];

const words = {
  show: { en: "Show it in the drawing", zh: "在图中显示" },
  before: { en: "Now", zh: "当前" },
  after: { en: "With these limits", zh: "限功率后" },
  moved: (moved: string, customers: number): Text => ({
    en: `${moved}, ${customers} ${customers === 1 ? "customer" : "customers"} affected`,
    zh: `${moved}，影响 ${customers} 个用户`,
  }),
  reach: (share: string): Text => ({ en: `${share} of the feeder's controllable power`, zh: `占馈线可控功率的 ${share}` }),
  critical: (names: string): Text => ({ en: `Critical, so never limited: ${names}`, zh: `重要用户，不限功率：${names}` }),
  leftOut: { en: "Left out", zh: "未纳入" },
  elements: { en: "Elements before and after", zh: "元件前后对比" },
  element: { en: "Element", zh: "元件" },
  of: { en: "Limit", zh: "限值" },
  at: (time: string): Text => ({ en: `On the readings of ${time}`, zh: `基于 ${time} 的量测数据` }),
};

const EFFECTS: readonly Column<ElementEffect & { name: string }>[] = [
  { key: "name", name: words.element, cell: (row) => row.name },
  { key: "before", name: words.before, isFigure: true, cell: (row) => percent(row.before_percent, row.limit_percent) },
  {
    key: "after",
    name: words.after,
    isFigure: true,
    cell: (row) => {
      const { tone, text } = TONES[loadingTone(row.after_percent, row.limit_percent)];
      return (
        <Status tone={tone}>
          {percent(row.after_percent, row.limit_percent)} <span class="unseen">{t(text)}</span>
        </Status>
      );
    },
  },
  { key: "limit", name: words.of, isFigure: true, cell: (row) => percent(row.limit_percent) },
];

interface AnswerProps {
  layout: Layout;
  preview: WhatIf;
  isDrawn: boolean;
  onDraw: (isDrawn: boolean) => void;
  onSelect: (element: string) => void;
}

export function Answer({ layout, preview, isDrawn, onDraw, onSelect }: AnswerProps) {
  const rows = preview.elements.map((one) => ({ ...one, name: nameOf(layout, one.id) }));
  return (
    <div class="grid">
      <div>
        <p class="muted small">{t(words.at(when(preview.at)))}</p>
        <Compared effect={preview} then={words.after} />
        <p>{t(words.moved(movedText(preview), preview.customers.length))}</p>
        <p class="muted">{t(words.reach(percent(preview.reach_percent)))}</p>
        {preview.critical_customers.length > 0 && <p>✚ {t(words.critical(preview.critical_customers.join(", ")))}</p>}
        <Cautions effect={preview} />
        <LeftOut preview={preview} />
        <label class="row">
          <input type="checkbox" checked={isDrawn} onChange={(event) => onDraw(event.currentTarget.checked)} />
          {t(words.show)}
        </label>
      </div>
      <Table caption={words.elements} columns={EFFECTS} rows={rows} id={(row) => row.id} onOpen={(row) => onSelect(row.id)} class="short" />
    </div>
  );
}

function LeftOut({ preview }: { preview: WhatIf }) {
  if (preview.left_out.length === 0) return null;
  return (
    <>
      <h3>{t(words.leftOut)}</h3>
      <ul>
        {preview.left_out.map(({ device, reason, text }) => (
          <li key={device}>
            {device}: {REASONS[reason] ? t(REASONS[reason]) : text}
          </li>
        ))}
      </ul>
    </>
  );
}
