// One feeder: its drawing in the middle, and around it the same in lists, in time, and as a question.

import type { ComponentChildren } from "preact";
import { useCallback, useEffect, useMemo, useState } from "preact/hooks";
import { ago, siteNowMs } from "../../format";
import { isPresent } from "../../live/stream";
import { Network } from "../../parts/network/network";
import { placesOf, type Figures, type Layout } from "../../parts/network/layout";
import { Page } from "../../parts/page";
import { Icon } from "../../parts/icon";
import { Known } from "../../parts/states";
import { t, verbatim, type Text } from "../../words";
import { may } from "../../session";
import { OrderDialog } from "../commands/order_dialog";
import { Contributions } from "./contributions";
import { Details } from "./details";
import { Elements } from "./elements";
import type { Request } from "./feeder_event";
import { Loadings, Voltages } from "./lists";
import { useFeeder, type LiveFeeder } from "./live_feeder";
import { Requests } from "./requests";
import { Summary } from "./summary";
import { TrendPanel } from "./trend_panel";
import { WhatIfPanel, type PresetOrder } from "./what_if";
import type { WhatIf } from "./what_if_answer";

const words = {
  waiting: { en: "Waiting for the first cycle …", zh: "正在等待第一个周期的数据……" },
  preview: { en: "Preview: this is how it would be, not how it is.", zh: "预演结果，并非当前实际状态。" },
  old: (age: string): Text => ({ en: `As it was ${age}: nothing newer has come.`, zh: `显示的是 ${age}的状态，未收到更新。` }),
  order: { en: "Order …", zh: "下达指令……" },
  overview: { en: "All feeders", zh: "全部馈线" },
  noSolution: {
    en: "The load flow has no solution: loadings and voltages are not known.",
    zh: "潮流不收敛：负载率与电压未知。",
  },
};
const HOLDING = new Set(["accepted", "active"]);
const OLD_AFTER_MS = 60_000;
/** The feeder has gone on meanwhile. */
const PREVIEW_HOLDS_MS = 120_000;

/** `element`: what somebody came here to look at. */
export function FeederPage({ id, element }: { id: string; element: string | null }) {
  const { layout, live } = useFeeder(id);
  const [isOrdering, setOrdering] = useState(false);
  const tools = (
    <>
      {may("operate", id) && (
        <button type="button" onClick={() => setOrdering(true)}>
          <Icon name="command" />
          {t(words.order)}
        </button>
      )}
      <a href="#/">{t(words.overview)}</a>
    </>
  );
  return (
    <Page title={verbatim(id)} tools={tools}>
      {isOrdering && <OrderDialog feeder={id} onClose={() => setOrdering(false)} />}
      <Known of={layout}>{(known) => (live ? <Whole layout={known} live={live} first={element} /> : <Waiting layout={known} />)}</Known>
    </Page>
  );
}

function Waiting({ layout }: { layout: Layout }) {
  return (
    <>
      <p class="empty" role="status">
        {t(words.waiting)}
      </p>
      <div class="panel">
        <Network layout={layout} figures={null} />
      </div>
    </>
  );
}

function Whole({ layout, live, first }: { layout: Layout; live: LiveFeeder; first: string | null }) {
  const [selected, setSelected] = useState<string | null>(first);
  useEffect(() => {
    if (first !== null) setSelected(first);
  }, [first]);
  const [chosen, setChosen] = useState<ReadonlySet<number>>(new Set());
  const { preview, setPreview } = usePreview(live);
  const [isDrawn, setDrawn] = useState(true);
  const [order, setOrder] = useState<PresetOrder | null>(null);
  const after = isDrawn ? preview?.columns_after : null;
  const previewed = useMemo(() => (after ? figuresOf(after) : null), [after]);
  const limited = useMemo(() => limitedPoints(layout, live.requests), [layout, live.requests]);
  const choose = (point: number, isChosen: boolean): void => {
    const next = new Set(chosen);
    if (isChosen) next.add(point);
    else next.delete(point);
    setChosen(next);
  };
  const shared = { layout, live, selected, onSelect: setSelected };
  return (
    <>
      <PresentNotes live={live} />
      <div class="feeder-summary">
        <Summary layout={layout} live={live} />
      </div>
      <div class="feeder-grid">
        <div class="panel feeder-drawing">
          <Network
            layout={layout}
            figures={previewed ?? live.figures}
            isPreview={previewed !== null}
            marks={{ selected, limited, chosen, quality: live.now.p_quality }}
            onSelect={setSelected}
            note={previewed !== null && <PreviewNote />}
          />
        </div>
        <div class="feeder-side">
          <Details layout={layout} live={live} selected={selected} chosen={chosen} onChoose={choose} />
          <Loadings {...shared} figures={live.figures} />
          <Voltages {...shared} figures={live.figures} />
        </div>
        <div class="feeder-below">
          <TrendPanel layout={layout} live={live} />
          <Contributions {...shared} chosen={chosen} onChoose={choose} />
          <WhatIfPanel
            layout={layout}
            chosen={chosen}
            onChoose={setChosen}
            preview={preview}
            onPreview={setPreview}
            isDrawn={isDrawn}
            onDraw={setDrawn}
            onOrder={setOrder}
            onSelect={setSelected}
          />
          <Requests layout={layout} requests={live.requests} onSelect={setSelected} />
          <Elements layout={layout} figures={live.figures} selected={selected} onSelect={setSelected} />
        </div>
      </div>
      {order && <OrderDialog feeder={layout.feeder} preset={order} onClose={() => setOrder(null)} />}
    </>
  );
}

function figuresOf(columns: NonNullable<WhatIf["columns_after"]>): Figures {
  return { line: columns.line_loading_percent, transformer: columns.transformer_loading_percent, v: columns.v_pu };
}

/** Service points where a device holds a limit. */
function limitedPoints(layout: Layout, requests: readonly Request[]): ReadonlySet<number> {
  const { pointByName } = placesOf(layout);
  const held = requests.filter((request) => request.kind !== "person" && HOLDING.has(request.state));
  return new Set(held.flatMap((request) => pointByName.get(request.service_point ?? "") ?? []));
}

/** Whether what is shown is no longer the present; by the wall's time, however fast the site's runs. */
function isOldNow(live: LiveFeeder): boolean {
  void siteNowMs.value; // looked at again each second
  return !isPresent.value || performance.now() - live.heardAtMs > OLD_AFTER_MS;
}

/** The latest preview, for as long as the feeder is as it was when that was asked. */
function usePreview(live: LiveFeeder): { preview: WhatIf | null; setPreview: (found: WhatIf | null) => void } {
  const [held, hold] = useState<{ found: WhatIf; atMs: number } | null>(null);
  void siteNowMs.value; // looked at again each second
  const isOver =
    held !== null && (isOldNow(live) || !live.now.converged || performance.now() - held.atMs > PREVIEW_HOLDS_MS);
  useEffect(() => {
    if (isOver) hold(null);
  }, [isOver]);
  const setPreview = useCallback((found: WhatIf | null) => hold(found && { found, atMs: performance.now() }), []);
  return { preview: isOver ? null : (held?.found ?? null), setPreview };
}

function Note({ tone, children }: { tone: "info" | "warn"; children: ComponentChildren }) {
  return (
    <div class={`note ${tone}`} role="status">
      <Icon name="warning" />
      {children}
    </div>
  );
}

const PreviewNote = () => <Note tone="info">{t(words.preview)}</Note>;

/** What to know of all figures on this page: each holds beside the others. */
function PresentNotes({ live }: { live: LiveFeeder }) {
  return (
    <>
      {isOldNow(live) && <Note tone="warn">{t(words.old(ago(live.now.at)))}</Note>}
      {!live.now.converged && <Note tone="warn">{t(words.noSolution)}</Note>}
    </>
  );
}
