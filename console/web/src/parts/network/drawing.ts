// One feeder drawn on a Leaflet map: as a diagram or by its coordinates. Moves, zooms, finds, and tells what was
// picked; what is where and how it looks is the painter's.

import * as L from "leaflet";
import "leaflet/dist/leaflet.css";
import { geometryOf, type Form, type Geometry } from "./geometry";
import { elementAt } from "./hitting";
import { endsOf, placesOf, type Figures, type Layout } from "./layout";
import { Painter } from "./painter";
import type { Marks } from "./painting";
import { sameTones, tonesOf, type Tones } from "./tones";

interface Told {
  onPick: (element: string | null) => void;
  onPoint: (element: string | null, x: number, y: number) => void;
}

const CLOSER = 0.25;
const MORE_ZOOM = 9;

export class Drawing {
  private readonly map: L.Map;
  private readonly geometry: Geometry;
  private readonly painter: Painter;
  private tones: Tones;

  constructor(
    frame: HTMLElement,
    private readonly layout: Layout,
    readonly form: Form,
    told: Told,
  ) {
    const { tiles } = layout;
    const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.geometry = geometryOf(layout, form, frame.clientWidth / Math.max(1, frame.clientHeight));
    this.map = L.map(frame, {
      crs: this.geometry.crs,
      attributionControl: tiles !== null && form === "map",
      zoomControl: false,
      zoomSnap: 0.25,
      wheelPxPerZoomLevel: 90,
      minZoom: -30,
      maxZoom: 30,
      zoomAnimation: !isStill,
      fadeAnimation: false,
      inertia: !isStill,
    });
    if (tiles && form === "map" && layout.coordinates === "degrees") {
      this.map.attributionControl.setPrefix(false);
      L.tileLayer(tiles.url, { attribution: tiles.attribution, maxNativeZoom: 19, maxZoom: 30 }).addTo(this.map);
    }
    this.fit();
    const zoom = this.map.getZoom();
    this.map.setMinZoom(zoom - 1).setMaxZoom(zoom + MORE_ZOOM);
    this.tones = tonesOf(layout, null);
    this.painter = new Painter(layout, this.geometry, this.tones);
    this.painter.addTo(this.map);
    this.map.on("click", (event) => told.onPick(this.under(event.latlng)));
    this.map.on("mousemove", (event) =>
      told.onPoint(this.under(event.latlng), event.containerPoint.x, event.containerPoint.y),
    );
    this.map.on("mouseout movestart zoomstart", () => told.onPoint(null, 0, 0));
  }

  /** Other figures. */
  show(figures: Figures | null): void {
    const tones = tonesOf(this.layout, figures);
    const isChanged = !sameTones(tones, this.tones);
    this.tones = tones;
    this.painter.show(figures, tones, isChanged);
  }

  mark(marks: Marks): void {
    this.painter.mark(marks);
  }

  recolour(): void {
    this.painter.recolour();
  }

  fit(): void {
    this.map.fitBounds(this.geometry.bounds, { paddingTopLeft: [30, 34], paddingBottomRight: [70, 44], animate: false });
  }

  zoom(by: number): void {
    this.map.setZoom(this.map.getZoom() + by);
  }

  /** Have an element in view, near enough to be read; nothing moves where it is already. */
  goTo(element: string): void {
    const part = placesOf(this.layout).parts.get(element);
    if (!part) return;
    const ends = part.kind === "bus" ? [part.place, part.place] : endsOf(this.layout, part.kind, part.place);
    const x = (this.geometry.x[ends[0]!]! + this.geometry.x[ends[1]!]!) / 2;
    const y = (this.geometry.y[ends[0]!]! + this.geometry.y[ends[1]!]!) / 2;
    const place = this.geometry.crs.pointToLatLng(L.point(x, y), 0);
    const scale = this.map.getZoomScale(this.map.getZoom(), 0);
    if (scale >= this.geometry.readableScale && this.map.getBounds().pad(-0.1).contains(place)) return;
    const readable = this.map.getScaleZoom(this.geometry.readableScale, 0);
    const zoom = Math.max(this.map.getZoom(), Math.min(readable + CLOSER, this.map.getMaxZoom()));
    this.map.setView(place, zoom);
  }

  resize(): void {
    this.map.invalidateSize({ animate: false });
  }

  remove(): void {
    this.map.remove();
  }

  private under(at: L.LatLng): string | null {
    const point = this.geometry.crs.latLngToPoint(at, 0);
    return elementAt(this.layout, this.geometry, point.x, point.y, this.map.getZoomScale(this.map.getZoom(), 0));
  }
}
