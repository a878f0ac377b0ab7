// Finding an element, service point, customer or device by any part of its name.

import type { Layout } from "./layout";

export interface Hit {
  /** The element to go to. */
  readonly element: string;
  readonly name: string;
  readonly kind: "bus" | "line" | "transformer" | "service_point" | "device";
  /** The customer, or the identifier. */
  readonly more: string;
}

interface Indexed extends Hit {
  readonly text: string;
}

const MOST = 8;
const indices = new WeakMap<Layout, readonly Indexed[]>();

function indexOf(layout: Layout): readonly Indexed[] {
  const before = indices.get(layout);
  if (before) return before;
  const found: Indexed[] = [];
  const add = (hit: Hit): void => void found.push({ ...hit, text: `${hit.name} ${hit.more} ${hit.element}`.toLowerCase() });
  const { transformers, lines, buses, service_points: points, devices } = layout;
  transformers.id.forEach((id, n) => add({ element: id, name: transformers.name[n]!, kind: "transformer", more: id }));
  points.name.forEach((name, n) =>
    add({ element: buses.id[points.bus[n]!]!, name, kind: "service_point", more: points.customer[n] ?? "" }),
  );
  devices.id.forEach((id, n) => {
    const bus = points.bus[devices.service_point[n]!]!;
    add({ element: buses.id[bus]!, name: id, kind: "device", more: points.name[devices.service_point[n]!]! });
  });
  lines.id.forEach((id, n) => add({ element: id, name: lines.name[n]!, kind: "line", more: id }));
  buses.id.forEach((id, n) => add({ element: id, name: buses.name[n]!, kind: "bus", more: id }));
  indices.set(layout, found);
  return found;
}

/** What begins with the text comes first, then what contains it. */
export function search(layout: Layout, text: string): readonly Hit[] {
  const wanted = text.trim().toLowerCase();
  if (!wanted) return [];
  const [begins, contains]: [Indexed[], Indexed[]] = [[], []];
  for (const one of indexOf(layout)) {
    const at = one.text.indexOf(wanted);
    if (at === 0) begins.push(one);
    else if (at > 0 && contains.length < MOST) contains.push(one);
    if (begins.length >= MOST) break;
  }
  return [...begins, ...contains].slice(0, MOST);
}
