// All feeders, the worst first. Those that are normal are one line until somebody wants to see them, so that a
// site with hundreds of feeders shows what is not.

import type { Signal } from "@preact/signals";
import { useCallback, useState } from "preact/hooks";
import { useLocation } from "wouter-preact";
import { rows } from "../../live/overview";
import { Empty } from "../../parts/states";
import { Panel } from "../../parts/page";
import { t, type Text } from "../../words";
import { FeederRow } from "./row";
import { hideNormal, more, showNormal, words } from "./words";

const FEW = 12;
/** Up to so many feeders there is room for all. */
const AT_ONCE = 150;
const HEADS: readonly { readonly name: Text; readonly isFigure?: boolean }[] = [
  { name: words.state },
  { name: words.feeder },
  { name: words.loading },
  { name: words.voltage, isFigure: true },
  { name: words.event },
  { name: words.automatic },
  { name: words.data },
  { name: words.ahead },
  { name: words.free, isFigure: true },
];

export function FeedersTable({ wanted }: { wanted: Signal<string> }) {
  const [isOpen, setOpen] = useState(false);
  const [room, setRoom] = useState(AT_ONCE);
  const [, go] = useLocation();
  const open = useCallback((id: string): void => go(`/feeders/${encodeURIComponent(id)}`), []);
  const asked = wanted.value.trim().toLowerCase();
  const all = rows.value;
  const found = asked ? all.filter((row) => row.name.toLowerCase().includes(asked)) : all;
  const abnormal = found.filter((row) => row.state !== "normal");
  const normal = found.length - abnormal.length;
  const isShort = found.length <= FEW || asked !== "";
  const shown = isShort || isOpen ? found : abnormal;
  return (
    <Panel
      title={words.feeders}
      class="wide"
      tools={
        all.length > FEW && (
          <input
            type="search"
            aria-label={t(words.find)}
            placeholder={t(words.find)}
            value={wanted.value}
            onInput={(event) => (wanted.value = event.currentTarget.value)}
          />
        )
      }
    >
      {found.length === 0 && <Empty>{t(all.length ? words.noMatch : words.nobody)}</Empty>}
      {shown.length > 0 && (
        <div class="table-frame" tabIndex={0} role="region" aria-label={t(words.feeders)}>
          <table class="overview-table">
            <caption class="unseen">{t(words.feeders)}</caption>
            <thead>
              <tr>
                {HEADS.map((head) => (
                  <th key={head.name.en} scope="col" class={head.isFigure ? "figure" : undefined}>
                    {t(head.name)}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {shown.slice(0, room).map((row) => (
                <FeederRow key={row.id} row={row} onOpen={open} />
              ))}
            </tbody>
          </table>
        </div>
      )}
      <div class="row">
        {shown.length > room && (
          <button type="button" onClick={() => setRoom(room + AT_ONCE)}>
            {t(more(Math.min(AT_ONCE, shown.length - room)))}
          </button>
        )}
        {!isShort && normal > 0 && (
          <button type="button" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
            {t((isOpen ? hideNormal : showNormal)(normal))}
          </button>
        )}
      </div>
    </Panel>
  );
}
