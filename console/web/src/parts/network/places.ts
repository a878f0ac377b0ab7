// Where things are on the canvas now, in pixels.

import type { View } from "./canvas_layer";
import type { Geometry } from "./geometry";

export interface Spot {
  readonly x: number;
  readonly y: number;
}

/** The geometry as one view shows it. */
export class Places {
  constructor(
    readonly geometry: Geometry,
    readonly view: View,
  ) {}

  busX(bus: number): number {
    return this.geometry.x[bus]! * this.view.scale - this.view.originX;
  }

  busY(bus: number): number {
    return this.geometry.y[bus]! * this.view.scale - this.view.originY;
  }

  isIn(x: number, y: number): boolean {
    const { left, right, top, bottom } = this.view;
    return x >= left && x <= right && y >= top && y <= bottom;
  }

  /** Adds a branch to the path, or the part that is its alone; false when it is out of view. */
  trace(ctx: CanvasRenderingContext2D, branch: number, onlyOwn = false): boolean {
    const { first } = this.geometry;
    const [from, to] = [onlyOwn ? this.ownFrom(branch) : first[branch]!, first[branch + 1]!];
    if (!this.isInView(from, to)) return false;
    for (let n = from; n < to; n += 1) {
      if (n === from) ctx.moveTo(this.cornerX(n), this.cornerY(n));
      else ctx.lineTo(this.cornerX(n), this.cornerY(n));
    }
    return true;
  }

  /** Half-way along a branch. */
  middle(branch: number): Spot {
    const [from, to] = [this.ownFrom(branch), this.geometry.first[branch + 1]! - 1];
    const one = from + Math.floor((to - from) / 2);
    const other = Math.min(one + 1, to);
    return { x: (this.cornerX(one) + this.cornerX(other)) / 2, y: (this.cornerY(one) + this.cornerY(other)) / 2 };
  }

  private cornerX(corner: number): number {
    return this.geometry.corners[2 * corner]! * this.view.scale - this.view.originX;
  }

  private cornerY(corner: number): number {
    return this.geometry.corners[2 * corner + 1]! * this.view.scale - this.view.originY;
  }

  private isInView(from: number, to: number): boolean {
    let [left, right, top, bottom] = [Infinity, -Infinity, Infinity, -Infinity];
    for (let n = from; n < to; n += 1) {
      const [x, y] = [this.cornerX(n), this.cornerY(n)];
      left = Math.min(left, x);
      right = Math.max(right, x);
      top = Math.min(top, y);
      bottom = Math.max(bottom, y);
    }
    const { view } = this;
    return right >= view.left && left <= view.right && bottom >= view.top && top <= view.bottom;
  }

  /** Where the part of a branch begins that is its alone. */
  private ownFrom(branch: number): number {
    const { first, sharedCorners } = this.geometry;
    return Math.max(first[branch]!, Math.min(first[branch]! + sharedCorners, first[branch + 1]! - 2));
  }
}
