// Paints a feeder on Leaflet's canvas: all that is normal in a few strokes of one grey, what is not one by one.
// Ten thousand elements are typed arrays, not ten thousand objects; nothing is painted anew while no tone changes.

import { CanvasLayer, type View } from "./canvas_layer";
import type { Geometry } from "./geometry";
import type { Figures, Layout } from "./layout";
import { paintAbnormal } from "./paint_abnormal";
import { paintBranches, paintOpenSwitches, paintSelection, paintTransformers } from "./paint_branches";
import { paintBuses } from "./paint_buses";
import { inkNow, type Ink, type Marks, type Painting } from "./painting";
import { Places } from "./places";
import { HIGH, OVER, type Tones } from "./tones";

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

  protected paint(ctx: CanvasRenderingContext2D, view: View): void {
    const { layout, tones, figures, marks } = this;
    const places = new Places(this.geometry, view);
    const painting: Painting = { ctx, layout, places, ink: (this.ink ??= inkNow()), tones, figures, marks };
    paintSelection(painting);
    paintBranches(painting);
    paintBuses(painting, this.upright);
    paintTransformers(painting);
    paintOpenSwitches(painting);
    paintAbnormal(painting);
  }
}
