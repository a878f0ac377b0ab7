// Lines, transformers and links on the canvas: those that are alike in a few strokes together.

import { branchNumber } from "./geometry";
import { placesOf, type Part } from "./layout";
import { DOTS_FROM, type Painting } from "./painting";
import type { Spot } from "./places";
import { ring, transformerSign } from "./signs";
import { HIGH, OVER, UNKNOWN } from "./tones";

/** Branches that are stroked at once: a path of all would be slow to stroke. */
const CHUNK = 800;
const SWITCH_ASIDE = 14;

interface Group {
  readonly numbers: number[];
  readonly stroke: string;
  readonly width: number;
  readonly dash: number[];
  /** Only the part that is a branch's alone, on top of what lies below. */
  readonly onTop?: boolean;
}

export function paintBranches(painting: Painting): void {
  const { ctx, places } = painting;
  for (const { numbers, stroke, width, dash, onTop } of groupsOf(painting)) {
    ctx.strokeStyle = stroke;
    ctx.lineWidth = width;
    ctx.setLineDash(dash);
    for (let begin = 0; begin < numbers.length; begin += CHUNK) {
      ctx.beginPath();
      for (const number of numbers.slice(begin, begin + CHUNK)) places.trace(ctx, number, onTop);
      ctx.stroke();
    }
  }
  ctx.setLineDash([]);
}

function groupsOf({ layout, places, ink, tones }: Painting): readonly Group[] {
  const { lines, transformers, links } = layout;
  const isFine = places.view.apart < DOTS_FROM;
  const normal: Group = { numbers: [], stroke: ink["--wire"], width: isFine ? 1 : 1.6, dash: [] };
  const unknown: Group = { numbers: [], stroke: ink["--wire"], width: 1.2, dash: [2, 3] };
  const open: Group = { numbers: [], stroke: ink["--muted"], width: 1.4, dash: [7, 5] };
  const high: Group = { numbers: [], stroke: ink["--high"], width: 3.5, dash: [], onTop: true };
  const over: Group = { numbers: [], stroke: ink["--over"], width: 5.5, dash: [], onTop: true };
  const put = (number: number, tone: number, isClosed: boolean): void => {
    (!isClosed ? open : tone === UNKNOWN ? unknown : normal).numbers.push(number);
    if (isClosed && tone >= HIGH) (tone === OVER ? over : high).numbers.push(number);
  };
  const first = lines.id.length;
  lines.id.forEach((_, n) => put(n, tones.line[n]!, lines.closed[n]!));
  transformers.id.forEach((_, n) => put(first + n, tones.transformer[n]!, transformers.closed[n]!));
  links.id.forEach((_, n) => put(first + transformers.id.length + n, 1, links.closed[n]!));
  return [normal, unknown, open, high, over];
}

/** Under all else: what somebody looks at. */
export function paintSelection({ ctx, layout, places, ink, marks }: Painting): void {
  const part = marks.selected === null ? undefined : placesOf(layout).parts.get(marks.selected);
  if (!part) return;
  ctx.strokeStyle = ink["--control"];
  ctx.globalAlpha = 0.45;
  ctx.lineWidth = part.kind === "bus" ? 7 : 13;
  ctx.beginPath();
  if (part.kind === "bus") ring(ctx, places.busX(part.place), places.busY(part.place), 12);
  else places.trace(ctx, branchNumber(layout, part.kind, part.place), true);
  ctx.stroke();
  ctx.globalAlpha = 1;
}

export function paintTransformers({ ctx, layout, places, ink, tones }: Painting): void {
  layout.transformers.id.forEach((_, place) => {
    const { x, y } = places.middle(branchNumber(layout, "transformer", place));
    const tone = tones.transformer[place];
    const stroke = tone === OVER ? ink["--over"] : tone === HIGH ? ink["--high"] : ink["--ink"];
    transformerSign(ctx, x, y, stroke, ink["--panel"], tone === OVER ? 3.5 : tone === HIGH ? 2.5 : 1.6);
  });
}

export function paintOpenSwitches(painting: Painting): void {
  const { layout, places } = painting;
  if (places.view.apart < DOTS_FROM) return;
  const { bus, element } = layout.open_switches;
  const { parts } = placesOf(layout);
  element.forEach((id, n) => {
    const part = parts.get(id);
    if (part && part.kind !== "bus") openSwitch(painting, bus[n]!, part.kind, part.place);
  });
}

/** On the branch, a little from the bus at which it is open. */
function openSwitch({ ctx, layout, places, ink }: Painting, bus: number, kind: Exclude<Part["kind"], "bus">, place: number): void {
  const here: Spot = { x: places.busX(bus), y: places.busY(bus) };
  const there = places.middle(branchNumber(layout, kind, place));
  const far = Math.hypot(there.x - here.x, there.y - here.y) || 1;
  const share = Math.min(SWITCH_ASIDE, far) / far;
  ctx.strokeStyle = ink["--ink"];
  ctx.fillStyle = ink["--panel"];
  ctx.lineWidth = 1.6;
  ctx.beginPath();
  ring(ctx, here.x + (there.x - here.x) * share, here.y + (there.y - here.y) * share, 4);
  ctx.fill();
  ctx.stroke();
}
