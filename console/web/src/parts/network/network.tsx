// A feeder's network on the screen: the drawing, what can be done with it, and what its signs mean. Figures come
// in as values; whoever replays the past gives other ones.

import type { ComponentChildren, RefObject } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { percent, perUnit } from "../../format";
import { coloursChanged } from "../../theme";
import { language, t, type Text } from "../../words";
import { announce } from "../announce";
import { Choice } from "../field";
import { Icon } from "../icon";
import { Drawing } from "./drawing";
import { hasMap, type Form } from "./geometry";
import { Finder } from "./finder";
import { nameOf, placesOf, type Figures, type Layout } from "./layout";
import { Legend } from "./legend";
import type { Marks } from "./painting";
import { NORMAL, tonesOf, UNKNOWN } from "./tones";
import "./network.css";

const words = {
  drawing: { en: "Drawing of the network", zh: "网络图" },
  keys: {
    en: "Arrow keys move the drawing, plus and minus zoom, N goes to the next element that is not normal, 0 shows all. The lists say the same in words.",
    zh: "方向键移动图形，加减号缩放，N 键转到下一个异常元件，0 键显示全图。列表中有相同内容的文字说明。",
  },
  form: { en: "Form of the drawing", zh: "图形形式" },
  diagram: { en: "One-line diagram", zh: "单线图" },
  map: { en: "Map", zh: "地图" },
  closer: { en: "Zoom in", zh: "放大" },
  farther: { en: "Zoom out", zh: "缩小" },
  all: { en: "Show all", zh: "显示全图" },
  next: { en: "Next not normal", zh: "下一个异常" },
  legend: { en: "Legend", zh: "图例" },
  none: { en: "Everything is normal.", zh: "一切正常。" },
  preview: (said: string): Text => ({ en: `Preview: ${said}`, zh: `预演：${said}` }),
};
const FORMS = [
  { value: "diagram", name: words.diagram },
  { value: "map", name: words.map },
] as const;

export interface NetworkProps {
  layout: Layout;
  figures: Figures | null;
  /** The figures are how it would be, not how it is: whoever hears or points is told so. */
  isPreview?: boolean;
  marks?: Partial<Marks>;
  onSelect?: (element: string | null) => void;
  /** Beside the buttons. */
  tools?: ComponentChildren;
  /** Said over the drawing, such as that it is not the present. */
  note?: ComponentChildren;
}

let numbered = 0;
const NO_MARKS: Marks = { selected: null, limited: new Set(), chosen: new Set(), quality: "" };

export function Network({ layout, figures, isPreview = false, marks = {}, onSelect, tools, note }: NetworkProps) {
  const [form, setForm] = useState<Form>("diagram");
  const shownForm = hasMap(layout) ? form : "diagram";
  const wholeMarks = { ...NO_MARKS, ...marks };
  const { place, drawing, pointed } = useDrawing({ layout, form: shownForm, figures, marks: wholeMarks, onSelect });
  const inWords = (text: string): string => (isPreview ? t(words.preview(text)) : text);
  const said = (element: string): string => inWords(sayElement(layout, figures, element));
  const goTo = (element: string): void => {
    drawing.current?.goTo(element); // also when it is selected already
    onSelect?.(element);
    announce(said(element));
  };
  const next = (): void => {
    const found = nextAbnormal(layout, figures, wholeMarks.selected);
    if (found === null) announce(inWords(t(words.none)));
    else goTo(found);
  };
  return (
    <div class="network">
      <div class="row network-tools">
        {hasMap(layout) && <Choice label={words.form} value={shownForm} options={FORMS} onChange={setForm} />}
        <Finder layout={layout} onFind={(hit) => goTo(hit.element)} />
        <button type="button" onClick={next}>
          <Icon name="next" />
          {t(words.next)}
        </button>
        {tools}
      </div>
      <div class="network-place">
        <Frame place={place} onNext={next} onFit={() => drawing.current?.fit()} />
        <Zoom drawing={drawing} />
        {note && <div class="network-note">{note}</div>}
        {pointed && (
          <div class="network-tip" style={{ left: `${pointed.x + 14}px`, top: `${pointed.y + 14}px` }} aria-hidden="true">
            {said(pointed.element)}
          </div>
        )}
      </div>
      <FoldedLegend />
    </div>
  );
}

interface Drawn {
  layout: Layout;
  form: Form;
  figures: Figures | null;
  marks: Marks;
  onSelect: ((element: string | null) => void) | undefined;
}
interface Pointed {
  readonly element: string;
  readonly x: number;
  readonly y: number;
}

/** Keeps a drawing in `place` that shows what it is given; `pointed`: what the pointer is over. */
function useDrawing({ layout, form, figures, marks, onSelect }: Drawn) {
  const [pointed, setPointed] = useState<Pointed | null>(null);
  const place = useRef<HTMLDivElement>(null);
  const drawing = useRef<Drawing | null>(null);
  const picked = useRef<string | null>(null);
  const latest = useRef({ figures, onSelect });
  latest.current = { figures, onSelect };
  const { selected, limited, chosen, quality } = marks;

  useEffect(() => {
    const frame = place.current;
    if (!frame) return undefined;
    const made = (drawing.current = new Drawing(frame, layout, form, {
      onPick: (element) => {
        picked.current = element;
        latest.current.onSelect?.(element);
      },
      onPoint: (element, x, y) => setPointed(element === null ? null : { element, x, y }),
    }));
    made.show(latest.current.figures);
    made.mark({ selected, limited, chosen, quality });
    if (selected !== null) made.goTo(selected);
    const watcher = new ResizeObserver(() => made.resize());
    watcher.observe(frame);
    return () => {
      watcher.disconnect();
      made.remove();
      drawing.current = null;
    };
  }, [layout, form]);
  useEffect(() => drawing.current?.show(figures), [figures]);
  useEffect(() => drawing.current?.mark({ selected, limited, chosen, quality }), [selected, limited, chosen, quality]);
  useEffect(() => drawing.current?.recolour(), [coloursChanged.value]);
  useEffect(() => {
    if (selected !== null && selected !== picked.current) drawing.current?.goTo(selected); // picked elsewhere
    picked.current = null;
  }, [selected]);
  return { place, drawing, pointed };
}

interface FrameProps {
  place: RefObject<HTMLDivElement>;
  onNext: () => void;
  onFit: () => void;
}

/** Where the drawing stands, by keyboard as well. */
function Frame({ place, onNext, onFit }: FrameProps) {
  const keys = useRef(`network-${(numbered += 1)}`).current;
  const onKey = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey) return; // the browser's own, such as Ctrl+0
    if (event.key === "n" || event.key === "N") onNext();
    else if (event.key === "0") onFit();
    else return;
    event.preventDefault();
  };
  return (
    <>
      <div
        class="network-frame"
        ref={place}
        role="application"
        aria-label={t(words.drawing)}
        aria-describedby={keys}
        onKeyDown={onKey}
      />
      <p id={keys} class="unseen">
        {t(words.keys)}
      </p>
    </>
  );
}

function Zoom({ drawing }: { drawing: RefObject<Drawing> }) {
  return (
    <div class="network-zoom" role="group" aria-label={t(words.drawing)}>
      <button type="button" aria-label={t(words.closer)} onClick={() => drawing.current?.zoom(1)}>
        +
      </button>
      <button type="button" aria-label={t(words.farther)} onClick={() => drawing.current?.zoom(-1)}>
        −
      </button>
      <button type="button" aria-label={t(words.all)} title={t(words.all)} onClick={() => drawing.current?.fit()}>
        ⤢
      </button>
    </div>
  );
}

function FoldedLegend() {
  const [isShown, setShown] = useState(false);
  return (
    <>
      <div class="row">
        <button type="button" class="quiet" aria-expanded={isShown} onClick={() => setShown(!isShown)}>
          <Icon name={isShown ? "down" : "next"} size={14} />
          {t(words.legend)}
        </button>
      </div>
      {isShown && <Legend key={language.value} />}
    </>
  );
}

/** An element's name and figure in one line. */
export function sayElement(layout: Layout, figures: Figures | null, element: string): string {
  const part = placesOf(layout).parts.get(element);
  if (!part) return element;
  const name = nameOf(layout, element);
  if (part.kind === "bus") return `${name}: ${perUnit(figures?.v[part.place])}`;
  if (part.kind === "link") return name;
  const { limit_percent } = part.kind === "line" ? layout.lines : layout.transformers;
  return `${name}: ${percent(figures?.[part.kind][part.place], limit_percent[part.place])}`;
}

/** The element after `current` that is near or over its limit, in the order of the layout; round and round. */
function nextAbnormal(layout: Layout, figures: Figures | null, current: string | null): string | null {
  const tones = tonesOf(layout, figures);
  const tables: readonly [readonly string[], Uint8Array][] = [
    [layout.transformers.id, tones.transformer],
    [layout.lines.id, tones.line],
    [layout.buses.id, tones.bus],
  ];
  const found = tables.flatMap(([ids, of]) => ids.filter((_, n) => of[n] !== NORMAL && of[n] !== UNKNOWN));
  if (found.length === 0) return null;
  return found[(found.indexOf(current ?? "") + 1) % found.length] ?? null;
}
