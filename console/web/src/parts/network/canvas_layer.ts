// A canvas that moves with a Leaflet map: sized and placed by Leaflet, painted by whoever extends it, never more
// than once in a frame.

import * as L from "leaflet";

export interface View {
  scale: number;
  originX: number;
  originY: number;
  left: number;
  top: number;
  right: number;
  bottom: number;
  /** pixels between neighbours */
  apart: number;
}

/** What Leaflet's renderers have and its types do not tell. */
interface Inner {
  _container: HTMLCanvasElement;
  _bounds: L.Bounds;
  _map: L.Map & { _animatingZoom?: boolean };
}
const base = L.Renderer.prototype as unknown as { _update: (this: unknown) => void };

export abstract class CanvasLayer extends L.Renderer {
  private waiting = 0;

  /** `apart`: between neighbours, in the pixels of zoom 0. */
  protected constructor(private readonly apart: number) {
    super({ padding: 0.4 });
  }

  /** Paint all that is in view; the context is cleared, and in the pixels of the map's layers. */
  protected abstract paint(ctx: CanvasRenderingContext2D, view: View): void;

  protected repaint(): void {
    if (this.waiting || !this.inner._map) return;
    this.waiting = requestAnimationFrame(() => {
      this.waiting = 0;
      if (this.inner._map && !this.inner._map._animatingZoom) this.paintView();
    });
  }

  private get inner(): Inner {
    return this as unknown as Inner;
  }

  // ---- what Leaflet calls

  _initContainer(): void {
    this.inner._container = document.createElement("canvas");
    this.inner._container.setAttribute("aria-hidden", "true");
  }

  _destroyContainer(): void {
    cancelAnimationFrame(this.waiting);
    this.waiting = 0;
    this.inner._container.remove();
  }

  _update(): void {
    const { _map: map, _container: canvas } = this.inner;
    if (!map || (map._animatingZoom && this.inner._bounds)) return;
    base._update.call(this);
    const bounds = this.inner._bounds;
    const size = bounds.getSize();
    L.DomUtil.setPosition(canvas, bounds.min ?? L.point(0, 0));
    canvas.width = Math.round(size.x * devicePixelRatio);
    canvas.height = Math.round(size.y * devicePixelRatio);
    canvas.style.width = `${size.x}px`;
    canvas.style.height = `${size.y}px`;
    this.paintView();
  }

  private paintView(): void {
    const { _map: map, _container: canvas, _bounds: bounds } = this.inner;
    const ctx = canvas.getContext("2d");
    if (!ctx || !bounds?.min || !bounds.max) return;
    const scale = map.getZoomScale(map.getZoom(), 0);
    const origin = map.getPixelOrigin();
    const { min, max } = bounds;
    ctx.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
    ctx.clearRect(0, 0, canvas.width, canvas.height);
    ctx.translate(-min.x, -min.y);
    ctx.lineCap = ctx.lineJoin = "round";
    this.paint(ctx, {
      scale,
      originX: origin.x,
      originY: origin.y,
      left: min.x,
      top: min.y,
      right: max.x,
      bottom: max.y,
      apart: this.apart * scale,
    });
  }
}
