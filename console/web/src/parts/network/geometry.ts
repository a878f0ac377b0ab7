// Where each part is drawn, in the pixels of the map's zoom 0: on the map by its coordinates, in the diagram by
// the tree that the API lays out.

import * as L from "leaflet";
import { endsOf, type BranchKind, type Layout } from "./layout";

export type Form = "diagram" | "map";

/** A side branch leaves its bus this much to the right of it, so that no two branches cross. */
const BEND = 0.3;
const DEPTH_PX = 32;
const FLATTEST = 0.22;
const STEEPEST = 1.4;

export interface Geometry {
  readonly crs: L.CRS;
  readonly x: Float64Array;
  readonly y: Float64Array;
  /** Corners of all branches in a row, x and y: lines, transformers, links. */
  readonly corners: Float64Array;
  /** (n_branch + 1) where each branch's corners begin, in pairs. */
  readonly first: Int32Array;
  /** How many corners at a branch's beginning it shares with its siblings: the way down from a busbar. */
  readonly sharedCorners: number;
  readonly bounds: L.LatLngBounds;
  /** How far a bus is from the one that feeds it, typically. */
  readonly apart: number;
  /** Pixels of the screen in one of these from which names fit beside their buses. */
  readonly readableScale: number;
}

const NAME_WIDE_PX = 44;
const NAME_TALL_PX = 20;

export function hasMap(layout: Layout): boolean {
  return layout.coordinates !== null;
}

/** `aspect`: width by height of the place where it is drawn. */
export function geometryOf(layout: Layout, form: Form, aspect: number): Geometry {
  const crs = form === "map" && layout.coordinates === "degrees" ? L.CRS.EPSG3857 : L.CRS.Simple;
  const n = layout.buses.id.length;
  const x = new Float64Array(n);
  const y = new Float64Array(n);
  const rowPx = rowHeight(layout, aspect);
  for (let bus = 0; bus < n; bus += 1) {
    if (form === "diagram") {
      x[bus] = (layout.buses.depth[bus] ?? 0) * DEPTH_PX;
      y[bus] = (layout.buses.row[bus] ?? 0) * rowPx;
    } else {
      const point = crs.latLngToPoint(L.latLng(layout.buses.y[bus] ?? 0, layout.buses.x[bus] ?? 0), 0);
      x[bus] = point.x;
      y[bus] = point.y;
    }
  }
  const { corners, first } = form === "diagram" ? elbows(layout, x, y) : straight(layout, x, y, crs);
  const sharedCorners = form === "diagram" ? 2 : 0;
  const apart = typicalStep(layout, x, y);
  const readableScale = Math.max(NAME_WIDE_PX / apart, form === "diagram" ? NAME_TALL_PX / rowPx : 0);
  return { crs, x, y, corners, first, sharedCorners, bounds: boundsOf(crs, x, y), apart, readableScale };
}

function rowHeight(layout: Layout, aspect: number): number {
  const depth = Math.max(1, maximum(layout.buses.depth));
  const rows = Math.max(1, maximum(layout.buses.row));
  const fitting = (depth * DEPTH_PX) / aspect / rows;
  return Math.min(STEEPEST * DEPTH_PX, Math.max(FLATTEST * DEPTH_PX, fitting));
}

function maximum(values: readonly number[]): number {
  let most = 0;
  for (const value of values) if (value > most) most = value;
  return most;
}

interface Branches {
  corners: Float64Array;
  first: Int32Array;
}

const KINDS: readonly BranchKind[] = ["line", "transformer", "link"];

export function branchCount(layout: Layout): number {
  return layout.lines.id.length + layout.transformers.id.length + layout.links.id.length;
}

/** What the branch of a number is. */
export function branchAt(layout: Layout, number: number): { kind: BranchKind; place: number } {
  const lines = layout.lines.id.length;
  const transformers = layout.transformers.id.length;
  if (number < lines) return { kind: "line", place: number };
  if (number < lines + transformers) return { kind: "transformer", place: number - lines };
  return { kind: "link", place: number - lines - transformers };
}

export function branchNumber(layout: Layout, kind: BranchKind, place: number): number {
  if (kind === "line") return place;
  return layout.lines.id.length + (kind === "transformer" ? place : layout.transformers.id.length + place);
}

function collect(layout: Layout, path: (kind: BranchKind, place: number, out: number[]) => void): Branches {
  const out: number[] = [];
  const first = new Int32Array(branchCount(layout) + 1);
  let number = 0;
  for (const kind of KINDS) {
    const table = kind === "line" ? layout.lines : kind === "transformer" ? layout.transformers : layout.links;
    for (let place = 0; place < table.id.length; place += 1) {
      path(kind, place, out);
      number += 1;
      first[number] = out.length / 2;
    }
  }
  return { corners: Float64Array.from(out), first };
}

/** In the tree: a step aside, down to the row, and across. What closes rings goes straight. */
function elbows(layout: Layout, x: Float64Array, y: Float64Array): Branches {
  return collect(layout, (kind, place, out) => {
    const table = kind === "line" ? layout.lines : kind === "transformer" ? layout.transformers : layout.links;
    let [near, far] = endsOf(layout, kind, place);
    if (layout.buses.depth[near]! > layout.buses.depth[far]!) [near, far] = [far, near];
    out.push(x[near]!, y[near]!);
    if (table.in_tree[place] && y[near] !== y[far]) {
      const step = BEND * DEPTH_PX;
      out.push(x[near]! + step, y[near]! + Math.min(step, y[far]! - y[near]!), x[near]! + step, y[far]!);
    }
    out.push(x[far]!, y[far]!);
  });
}

function straight(layout: Layout, x: Float64Array, y: Float64Array, crs: L.CRS): Branches {
  return collect(layout, (kind, place, out) => {
    const path = kind === "line" ? layout.lines.path[String(place)] : undefined;
    if (path) {
      for (const [east, north] of path as unknown as readonly [number, number][]) {
        const point = crs.latLngToPoint(L.latLng(north, east), 0);
        out.push(point.x, point.y);
      }
      return;
    }
    const [near, far] = endsOf(layout, kind, place);
    out.push(x[near]!, y[near]!, x[far]!, y[far]!);
  });
}

function boundsOf(crs: L.CRS, x: Float64Array, y: Float64Array): L.LatLngBounds {
  let [left, right, top, bottom] = [Infinity, -Infinity, Infinity, -Infinity];
  for (let n = 0; n < x.length; n += 1) {
    left = Math.min(left, x[n]!);
    right = Math.max(right, x[n]!);
    top = Math.min(top, y[n]!);
    bottom = Math.max(bottom, y[n]!);
  }
  if (left > right) return L.latLngBounds([0, 0], [1, 1]);
  return L.latLngBounds(crs.pointToLatLng(L.point(left, bottom), 0), crs.pointToLatLng(L.point(right, top), 0));
}

function typicalStep(layout: Layout, x: Float64Array, y: Float64Array): number {
  const steps: number[] = [];
  for (let bus = 0; bus < x.length; bus += 1) {
    const parent = layout.buses.parent[bus];
    if (parent === null || parent === undefined) continue;
    const step = Math.hypot(x[bus]! - x[parent]!, y[bus]! - y[parent]!);
    if (step > 0) steps.push(step);
  }
  steps.sort((a, b) => a - b);
  return steps[Math.floor(steps.length / 4)] ?? DEPTH_PX;
}
