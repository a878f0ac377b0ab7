// Paints a feeder on Leaflet's canvas: all that is normal in a few strokes of one grey, what is not one by one.
// Ten thousand elements are typed arrays, not ten thousand objects; nothing is painted anew while no tone changes.

import { colour } from "../../theme";
import { CanvasLayer, type View } from "./canvas_layer";
import { branchAt, branchNumber, type Geometry } from "./geometry";
import { placesOf, type Figures, type Layout } from "./layout";
import { HIGH, OVER, UNKNOWN, type Tones } from "./tones";
import { box, ring, textAt, textFont, transformerSign, triangle } from "./signs";

export interface Marks {
  /** Element that somebody looks at. */
  readonly selected: string | null;
  /** Places of service points whose devices hold a limit. */
  readonly limited: ReadonlySet<number>;
  /** Places of service points that somebody is about to limit. */
  readonly chosen: ReadonlySet<number>;
  /** One digit for each service point: 0 measured, 1 stale, 2 estimated. */
  readonly quality: string;
}

const COLOURS = ["--wire", "--ink", "--muted", "--high", "--over", "--panel", "--control"] as const;
type Ink = Record<(typeof COLOURS)[number], string>;

/** Pixels between neighbours from which single buses are worth their dots, signs, names. */
const DOTS_FROM = 3;
const SIGNS_FROM = 9;
const MOST_NAMES = 250;
const MOST_SIGNS = 400;
const CHUNK = 800;

const CELL_WIDE = 10;
const CELL_TALL = 14;

/** The cells of a coarse grid that a name covers: no two names share one. */
function cellsOf(x: number, y: number, width: number): string[] {
  const row = Math.floor(y / CELL_TALL);
  const [first, last] = [Math.floor(x / CELL_WIDE), Math.floor((x + width) / CELL_WIDE)];
  return Array.from({ length: last - first + 1 }, (_, n) => `${first + n}/${row}`);
}

export class Painter extends CanvasLayer {
  private tones: Tones;
  private figures: Figures | null = null;
  private marks: Marks = { selected: null, limited: new Set(), chosen: new Set(), quality: "" };
  private ink: Ink | null = null;
  private readonly upright: Float64Array;

  constructor(
    private readonly layout: Layout,
    private readonly geometry: Geometry,
    tones: Tones,
  ) {
    super(geometry.apart);
    this.tones = tones;
    this.upright = new Float64Array(layout.buses.id.length);
  }

  /** Other figures; painted anew only when a tone, or something that is written out, changed. */
  show(figures: Figures | null, tones: Tones, isChanged: boolean): void {
    this.figures = figures;
    this.tones = tones;
    if (isChanged || this.writes) this.repaint();
  }

  mark(marks: Marks): void {
    this.marks = marks;
    this.repaint();
  }

  /** The colours of the theme have changed. */
  recolour(): void {
    this.ink = null;
    this.repaint();
  }

  /** Figures stand on the canvas: those of what is abnormal. */
  private get writes(): boolean {
    const { line, transformer, bus } = this.tones;
    return [line, transformer, bus].some((tones) => tones.includes(OVER) || tones.includes(HIGH));
  }

  // ---- painting

  protected paint(ctx: CanvasRenderingContext2D, view: View): void {
    const ink = (this.ink ??= Object.fromEntries(COLOURS.map((name) => [name, colour(name)])) as Ink);
    this.selection(ctx, view, ink);
    this.branches(ctx, view, ink);
    this.buses(ctx, view, ink);
    this.transformers(ctx, view, ink);
    this.openSwitches(ctx, view, ink);
    this.abnormal(ctx, view, ink);
  }

  private busX(view: View, bus: number): number {
    return this.geometry.x[bus]! * view.scale - view.originX;
  }

  private busY(view: View, bus: number): number {
    return this.geometry.y[bus]! * view.scale - view.originY;
  }

  private isIn(view: View, x: number, y: number): boolean {
    return x >= view.left && x <= view.right && y >= view.top && y <= view.bottom;
  }

  /** Where the part of a branch begins that is its alone. */
  private ownFrom(branch: number): number {
    const { first, sharedCorners } = this.geometry;
    return Math.max(first[branch]!, Math.min(first[branch]! + sharedCorners, first[branch + 1]! - 2));
  }

  /** Adds a branch to the path, or the part that is its alone; false when it is out of view. */
  private trace(ctx: CanvasRenderingContext2D, view: View, branch: number, onlyOwn = false): boolean {
    const { corners, first } = this.geometry;
    let [left, right, top, bottom] = [Infinity, -Infinity, Infinity, -Infinity];
    const [from, to] = [onlyOwn ? this.ownFrom(branch) : first[branch]!, first[branch + 1]!];
    for (let n = from; n < to; n += 1) {
      const x = corners[2 * n]! * view.scale - view.originX;
      const y = corners[2 * n + 1]! * view.scale - view.originY;
      if (x < left) left = x;
      if (x > right) right = x;
      if (y < top) top = y;
      if (y > bottom) bottom = y;
    }
    if (right < view.left || left > view.right || bottom < view.top || top > view.bottom) return false;
    for (let n = from; n < to; n += 1) {
      const x = corners[2 * n]! * view.scale - view.originX;
      const y = corners[2 * n + 1]! * view.scale - view.originY;
      if (n === from) ctx.moveTo(x, y);
      else ctx.lineTo(x, y);
    }
    return true;
  }

  private branches(ctx: CanvasRenderingContext2D, view: View, ink: Ink): void {
    const { lines, transformers, links } = this.layout;
    const fine = view.apart < DOTS_FROM;
    const groups: { numbers: number[]; stroke: string; width: number; dash: number[] }[] = [
      { numbers: [], stroke: ink["--wire"], width: fine ? 1 : 1.6, dash: [] },
      { numbers: [], stroke: ink["--wire"], width: 1.2, dash: [2, 3] },
      { numbers: [], stroke: ink["--muted"], width: 1.4, dash: [7, 5] },
      { numbers: [], stroke: ink["--high"], width: 3.5, dash: [] },
      { numbers: [], stroke: ink["--over"], width: 5.5, dash: [] },
    ];
    const put = (number: number, tone: number, isClosed: boolean): void => {
      groups[!isClosed ? 2 : tone === UNKNOWN ? 1 : 0]!.numbers.push(number);
      if (isClosed && tone >= HIGH) groups[tone === OVER ? 4 : 3]!.numbers.push(number);
    };
    lines.id.forEach((_, place) => put(place, this.tones.line[place]!, lines.closed[place]!));
    const first = lines.id.length;
    transformers.id.forEach((_, n) => put(first + n, this.tones.transformer[n]!, transformers.closed[n]!));
    links.id.forEach((_, n) => put(first + transformers.id.length + n, 1, links.closed[n]!));
    groups.forEach(({ numbers, stroke, width, dash }, group) => {
      ctx.strokeStyle = stroke;
      ctx.lineWidth = width;
      ctx.setLineDash(dash);
      for (let begin = 0; begin < numbers.length; begin += CHUNK) {
        ctx.beginPath();
        for (const number of numbers.slice(begin, begin + CHUNK)) this.trace(ctx, view, number, group >= 3);
        ctx.stroke();
      }
    });
    ctx.setLineDash([]);
  }

  private selection(ctx: CanvasRenderingContext2D, view: View, ink: Ink): void {
    const part = this.marks.selected === null ? undefined : placesOf(this.layout).parts.get(this.marks.selected);
    if (!part) return;
    ctx.strokeStyle = ink["--control"];
    ctx.globalAlpha = 0.45;
    ctx.lineWidth = part.kind === "bus" ? 7 : 13;
    ctx.beginPath();
    if (part.kind === "bus") ring(ctx, this.busX(view, part.place), this.busY(view, part.place), 12);
    else this.trace(ctx, view, branchNumber(this.layout, part.kind, part.place), true);
    ctx.stroke();
    ctx.globalAlpha = 1;
  }

  private buses(ctx: CanvasRenderingContext2D, view: View, ink: Ink): void {
    if (view.apart >= DOTS_FROM) this.dots(ctx, view, ink);
    this.supply(ctx, view, ink);
    const { critical } = this.layout.service_points;
    const showAll = view.apart >= SIGNS_FROM;
    this.upright.fill(0);
    this.layout.service_points.bus.forEach((bus, point) => {
      const isChosen = this.marks.chosen.has(point);
      const isLimited = this.marks.limited.has(point);
      if (!showAll && !isChosen && !isLimited && !(critical[point] && view.apart >= DOTS_FROM)) return;
      const x = this.busX(view, bus);
      const y = this.busY(view, bus) + this.upright[bus]! * 11;
      if (!this.isIn(view, x, y)) return;
      this.upright[bus]! += 1;
      if (showAll) box(ctx, x, y, 3.5, this.marks.quality[point] ?? "", ink["--ink"], ink["--panel"]);
      if (critical[point]) textAt(ctx, "✚", x + 10, y, ink["--ink"], 12);
      if (isLimited) triangle(ctx, x, y + 11, 5.5, true, ink["--control"]);
      if (isChosen) {
        ctx.strokeStyle = ink["--control"];
        ctx.lineWidth = 3;
        ctx.beginPath();
        ring(ctx, x, y, 9);
        ctx.stroke();
      }
    });
    if (view.scale >= this.geometry.readableScale) this.names(ctx, view, ink);
  }

  private dots(ctx: CanvasRenderingContext2D, view: View, ink: Ink): void {
    const size = view.apart < SIGNS_FROM ? 2 : 4;
    ctx.fillStyle = ink["--wire"];
    for (let bus = 0; bus < this.layout.buses.id.length; bus += 1) {
      const x = this.busX(view, bus);
      const y = this.busY(view, bus);
      if (this.isIn(view, x, y)) ctx.fillRect(x - size / 2, y - size / 2, size, size);
    }
  }

  private supply(ctx: CanvasRenderingContext2D, view: View, ink: Ink): void {
    ctx.fillStyle = ink["--ink"];
    for (const bus of this.layout.supply) ctx.fillRect(this.busX(view, bus) - 3, this.busY(view, bus) - 11, 6, 22);
  }

  private names(ctx: CanvasRenderingContext2D, view: View, ink: Ink): void {
    let told = 0;
    const { name } = this.layout.buses;
    const taken = new Set<string>();
    ctx.font = textFont(11);
    for (let bus = 0; bus < name.length && told < MOST_NAMES; bus += 1) {
      const x = this.busX(view, bus);
      const y = this.busY(view, bus);
      if (!this.isIn(view, x, y)) continue;
      const cells = cellsOf(x, y, ctx.measureText(name[bus]!).width);
      if (cells.some((cell) => taken.has(cell))) continue;
      cells.forEach((cell) => taken.add(cell));
      told += 1;
      textAt(ctx, name[bus]!, x + 4, y - 12, ink["--muted"], 11, "left");
    }
  }

  private transformers(ctx: CanvasRenderingContext2D, view: View, ink: Ink): void {
    this.layout.transformers.id.forEach((_, place) => {
      const at = this.middle(view, branchNumber(this.layout, "transformer", place));
      const tone = this.tones.transformer[place];
      const stroke = tone === OVER ? ink["--over"] : tone === HIGH ? ink["--high"] : ink["--ink"];
      transformerSign(ctx, at.x, at.y, stroke, ink["--panel"], tone === OVER ? 3.5 : tone === HIGH ? 2.5 : 1.6);
    });
  }

  private openSwitches(ctx: CanvasRenderingContext2D, view: View, ink: Ink): void {
    if (view.apart < DOTS_FROM) return;
    const { bus, element } = this.layout.open_switches;
    const { parts } = placesOf(this.layout);
    element.forEach((id, n) => {
      const part = parts.get(id);
      if (!part || part.kind === "bus") return;
      const x = this.busX(view, bus[n]!);
      const y = this.busY(view, bus[n]!);
      const there = this.middle(view, branchNumber(this.layout, part.kind, part.place));
      const far = Math.hypot(there.x - x, there.y - y) || 1;
      const step = Math.min(14, far);
      ctx.strokeStyle = ink["--ink"];
      ctx.fillStyle = ink["--panel"];
      ctx.lineWidth = 1.6;
      ctx.beginPath();
      ring(ctx, x + ((there.x - x) / far) * step, y + ((there.y - y) / far) * step, 4);
      ctx.fill();
      ctx.stroke();
    });
  }

  /** Signs and figures of what is outside its limit or near it: what is over comes last, on top. */
  private abnormal(ctx: CanvasRenderingContext2D, view: View, ink: Ink): void {
    let left = MOST_SIGNS;
    for (const tone of [HIGH, OVER]) {
      const isOver = tone === OVER;
      const paint = ink[isOver ? "--over" : "--high"];
      const writes = isOver || view.apart >= SIGNS_FROM;
      const branches = this.layout.lines.id.length + this.layout.transformers.id.length;
      for (let number = 0; number < branches && left > 0; number += 1) {
        const { kind, place } = branchAt(this.layout, number);
        const tones = kind === "line" ? this.tones.line : this.tones.transformer;
        if (tones[place] !== tone) continue;
        const { x, y } = this.middle(view, number);
        if (!this.isIn(view, x, y)) continue;
        left -= 1;
        const aside = kind === "transformer" ? 22 : 0;
        if (isOver) ctx.fillStyle = paint;
        if (isOver) ctx.fillRect(x - 5.5 + aside, y - 5.5, 11, 11);
        else triangle(ctx, x + aside, y, 6, false, paint);
        const percent = kind === "line" ? this.figures?.line[place] : this.figures?.transformer[place];
        if (writes && percent != null) textAt(ctx, `${Math.round(percent)} %`, x + aside + 9, y - 9, paint, 12, "left", ink["--panel"]);
      }
      this.tones.bus.forEach((one, bus) => {
        if (one !== tone || left <= 0 || (!isOver && view.apart < DOTS_FROM)) return;
        const x = this.busX(view, bus);
        const y = this.busY(view, bus);
        if (!this.isIn(view, x, y)) return;
        left -= 1;
        const v = this.figures?.v[bus];
        ctx.strokeStyle = paint;
        ctx.lineWidth = isOver ? 3 : 2;
        ctx.beginPath();
        ring(ctx, x, y, 7);
        ctx.stroke();
        triangle(ctx, x, y, 4, v != null && v < 1, paint);
        if (writes && v != null) textAt(ctx, `${v.toFixed(3)} pu`, x + 11, y + 11, paint, 12, "left", ink["--panel"]);
      });
    }
  }

  /** Half-way along a branch. */
  private middle(view: View, branch: number): { x: number; y: number } {
    const { corners, first } = this.geometry;
    const [from, to] = [this.ownFrom(branch), first[branch + 1]! - 1];
    const one = from + Math.floor((to - from) / 2);
    const other = Math.min(one + 1, to);
    return {
      x: ((corners[2 * one]! + corners[2 * other]!) / 2) * view.scale - view.originX,
      y: ((corners[2 * one + 1]! + corners[2 * other + 1]!) / 2) * view.scale - view.originY,
    };
  }
}
