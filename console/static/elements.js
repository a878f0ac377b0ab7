// Names and values of network elements, from a network and a view. Pure.

import { text } from "./strings.js";

const cache = new WeakMap();

/** The elements of a network by id, each with its kind; made once per network. */
export function elementsOf(network) {
  if (!network) return new Map();
  if (!cache.has(network)) {
    const all = new Map();
    for (const bus of network.buses) all.set(bus.id, { ...bus, element: "bus" });
    for (const line of network.lines) all.set(line.id, { ...line, element: "line" });
    for (const trafo of network.transformers) all.set(trafo.id, { ...trafo, element: "transformer" });
    cache.set(network, all);
  }
  return cache.get(network);
}

/** What people call an element: a feeder's only transformer is "Transformer". */
export function nameOf(network, id) {
  const element = elementsOf(network).get(id);
  if (!element) return id;
  if (element.element === "transformer" && network.transformers.length === 1) return text.transformer;
  return element.name || id;
}

/** The line or transformer with the highest loading, or null. */
export function busiest(view) {
  if (!view?.converged) return null;
  let found = null;
  for (const one of [...view.transformers, ...view.lines]) {
    if (one.loading_percent !== null && (!found || one.loading_percent > found.loading_percent)) found = one;
  }
  return found;
}

/** The estimated highest loading without control, where control makes a difference worth telling; else null. */
export function withoutControl(view) {
  const without = view.converged ? view.without_control_percent : null;
  return without !== null && without > (busiest(view)?.loading_percent ?? 0) + 1 ? without : null;
}

export const OPEN_STATES = new Set(["planned", "sent", "accepted", "active"]);
export const ACCEPTED_STATES = new Set(["accepted", "active"]);

/** Whether a request's limit holds now, as far as it was acknowledged (a notice needs no answer). */
export const isInForce = (request) => request.state === "active" || request.state === "accepted";
