// A feeder's drawing as the API gives it, and where its parts stand in it.

import type { paths } from "../../api/schema";

export type Layout = paths["/api/v1/feeders/{feeder}/layout"]["get"]["responses"][200]["content"]["application/json"];

/** Figures in the order of the layout; null: not known. */
export interface Figures {
  readonly line: readonly (number | null)[];
  readonly transformer: readonly (number | null)[];
  /** of the buses, in pu */
  readonly v: readonly (number | null)[];
}

export type BranchKind = "line" | "transformer" | "link";
export type Part =
  | { readonly kind: BranchKind; readonly place: number; readonly id: string }
  | { readonly kind: "bus"; readonly place: number; readonly id: string };

/** Where everything is, found once for each layout. */
export interface Places {
  readonly parts: ReadonlyMap<string, Part>;
  /** (n_bus) places of the service points at each bus */
  readonly pointsAt: readonly (readonly number[])[];
  /** (n_sp) places of the devices at each service point */
  readonly devicesAt: readonly (readonly number[])[];
  readonly pointByName: ReadonlyMap<string, number>;
  /** Buses, children before what feeds them. */
  readonly deepestFirst: readonly number[];
}

const known = new WeakMap<Layout, Places>();

export function placesOf(layout: Layout): Places {
  const before = known.get(layout);
  if (before) return before;
  const parts = new Map<string, Part>();
  layout.buses.id.forEach((id, place) => parts.set(id, { kind: "bus", place, id }));
  layout.lines.id.forEach((id, place) => parts.set(id, { kind: "line", place, id }));
  layout.transformers.id.forEach((id, place) => parts.set(id, { kind: "transformer", place, id }));
  layout.links.id.forEach((id, place) => parts.set(id, { kind: "link", place, id }));
  const pointsAt: number[][] = layout.buses.id.map(() => []);
  layout.service_points.bus.forEach((bus, point) => pointsAt[bus]?.push(point));
  const devicesAt: number[][] = layout.service_points.name.map(() => []);
  layout.devices.service_point.forEach((point, device) => devicesAt[point]?.push(device));
  const pointByName = new Map(layout.service_points.name.map((name, point) => [name, point]));
  const { depth } = layout.buses;
  const deepestFirst = depth.map((_, bus) => bus).sort((a, b) => depth[b]! - depth[a]!);
  const found = { parts, pointsAt, devicesAt, pointByName, deepestFirst };
  known.set(layout, found);
  return found;
}

/** The buses at both ends of a branch. */
export function endsOf(layout: Layout, kind: BranchKind, place: number): readonly [number, number] {
  const [one, other] =
    kind === "line"
      ? [layout.lines.from_bus, layout.lines.to_bus]
      : kind === "transformer"
        ? [layout.transformers.hv_bus, layout.transformers.lv_bus]
        : [layout.links.from_bus, layout.links.to_bus];
  return [one[place] ?? 0, other[place] ?? 0];
}

/** What people call a part. */
export function nameOf(layout: Layout, id: string): string {
  const part = placesOf(layout).parts.get(id);
  if (!part) return id;
  if (part.kind === "bus") return layout.buses.name[part.place] ?? id;
  if (part.kind === "line") return layout.lines.name[part.place] ?? id;
  if (part.kind === "transformer") return layout.transformers.name[part.place] ?? id;
  return id;
}

/** How many service points each line feeds, and how many of them are measured, by the tree of the diagram. */
export interface Behind {
  readonly points: Int32Array;
  readonly measured: Int32Array;
}

/** Counts for each bus what hangs at it and behind it; `quality` has one digit for each service point. */
export function behindBuses(layout: Layout, quality: string): Behind {
  const n = layout.buses.id.length;
  const points = new Int32Array(n);
  const measured = new Int32Array(n);
  layout.service_points.bus.forEach((bus, point) => {
    points[bus]! += 1;
    if (quality[point] === "0") measured[bus]! += 1;
  });
  for (const bus of placesOf(layout).deepestFirst) {
    const parent = layout.buses.parent[bus];
    if (parent === null || parent === undefined) continue;
    points[parent]! += points[bus]!;
    measured[parent]! += measured[bus]!;
  }
  return { points, measured };
}
