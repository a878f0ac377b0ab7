// What lies under the pointer: the nearest bus within reach, else the nearest branch.

import { branchAt, type Geometry } from "./geometry";
import type { Layout } from "./layout";

const BUS_REACH = 10;
const BRANCH_REACH = 7;

/** `x` and `y` in the pixels of zoom 0, `scale` pixels of the screen in one of them. */
export function elementAt(layout: Layout, geometry: Geometry, x: number, y: number, scale: number): string | null {
  const bus = nearestBus(geometry, x, y, BUS_REACH / scale);
  if (bus !== null) return layout.buses.id[bus] ?? null;
  const branch = nearestBranch(geometry, x, y, BRANCH_REACH / scale);
  if (branch === null) return null;
  const { kind, place } = branchAt(layout, branch);
  const table = kind === "line" ? layout.lines : kind === "transformer" ? layout.transformers : layout.links;
  return table.id[place] ?? null;
}

function nearestBus(geometry: Geometry, x: number, y: number, reach: number): number | null {
  let [found, nearest]: [number | null, number] = [null, reach];
  for (let bus = 0; bus < geometry.x.length; bus += 1) {
    const away = Math.hypot(geometry.x[bus]! - x, geometry.y[bus]! - y);
    if (away < nearest) [found, nearest] = [bus, away];
  }
  return found;
}

function nearestBranch(geometry: Geometry, x: number, y: number, reach: number): number | null {
  const { corners, first } = geometry;
  let [found, nearest]: [number | null, number] = [null, reach];
  for (let branch = 0; branch + 1 < first.length; branch += 1) {
    for (let n = first[branch]!; n + 1 < first[branch + 1]!; n += 1) {
      const away = fromPiece(x, y, corners[2 * n]!, corners[2 * n + 1]!, corners[2 * n + 2]!, corners[2 * n + 3]!);
      if (away < nearest) [found, nearest] = [branch, away];
    }
  }
  return found;
}

function fromPiece(x: number, y: number, x1: number, y1: number, x2: number, y2: number): number {
  const [dx, dy] = [x2 - x1, y2 - y1];
  const long = dx * dx + dy * dy;
  const share = long === 0 ? 0 : Math.max(0, Math.min(1, ((x - x1) * dx + (y - y1) * dy) / long));
  return Math.hypot(x - x1 - share * dx, y - y1 - share * dy);
}
