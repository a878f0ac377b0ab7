// The network as SVG: lines by loading, transformers, buses with their load. Gets values only; built once per network.

import { loadingClass } from "./bar.js";
import { s, setAttribute, setText } from "./dom.js";

const LABELS = 6;
const NARROW_PX = 480;
const LAYERS = ["lines", "load", "bus", "trafo", "label"]; // the last is drawn above the others

/**
 * Draw `network` in `mode` ("map" or "diagram") into `svg`.
 * Returns {box, update(values), scaled(unitsPerPixel), placeOf(id), nodeOf(id)}: `values` is {loading: Map,
 * voltageBad: Set, load: Map of kW by bus, limited: Set of buses, known, percent}.
 */
export function drawGrid(svg, network, mode) {
  const scene = {
    mode,
    spot: placesOf(network, mode),
    layer: Object.fromEntries(LAYERS.map((name) => [name, s("g", { class: `grid-${name}` })])),
    branches: new Map(),
    buses: new Map(),
    /** signs that keep their size in pixels, and where they stand */
    signs: new Map(),
    unitsPerPixel: 1,
  };
  svg.replaceChildren(...LAYERS.map((name) => scene.layer[name]));
  for (const line of network.lines) addLine(scene, line);
  for (const trafo of network.transformers) addTransformer(scene, trafo);
  for (const bus of network.buses) addBus(scene, bus);
  return {
    box: boxOf([...scene.spot.values()]),
    update(values) {
      updateBranches(scene, values);
      updateBuses(scene, values);
    },
    scaled(k) {
      // on a phone the signs would cover one another
      scene.unitsPerPixel = svg.clientWidth < NARROW_PX ? 0.7 * k : k;
      for (const [node, at] of scene.signs) place(scene, node, at);
    },
    placeOf: (id) => scene.branches.get(id)?.at ?? scene.spot.get(id),
    nodeOf: (id) => scene.branches.get(id)?.node ?? scene.buses.get(id)?.node,
  };
}

function addLine({ spot, mode, layer, branches }, line) {
  const [from, to] = [spot.get(line.from_bus), spot.get(line.to_bus)];
  const d = pathOf(from, to, mode);
  const node = s("g", item(line.id), s("path", { d, class: "hit" }), s("path", { d, class: "wire" }));
  layer.lines.append(node);
  const at = middleOf(from, to, mode);
  branches.set(line.id, { node, limit: line.max_loading_percent, at, raise: 8, always: false, label: null });
}

function addTransformer(scene, trafo) {
  const [from, to] = [scene.spot.get(trafo.hv_bus), scene.spot.get(trafo.lv_bus)];
  scene.layer.lines.append(s("path", { d: pathOf(from, to, "map"), class: "wire stub" }));
  const turn = (Math.atan2(to.y - from.y, to.x - from.x) * 180) / Math.PI;
  const symbol = s("g", { transform: `rotate(${turn})` }, ...windings());
  const node = s("g", item(trafo.id), s("circle", { r: 14, class: "hit-area" }), symbol);
  const at = middleOf(from, to, "map");
  scene.layer.trafo.append(node);
  keep(scene, node, at);
  scene.branches.set(trafo.id, { node, limit: trafo.max_loading_percent, at, raise: 16, always: true, label: null });
}

/** Two circles that cross; the first is drawn again so that its line shows inside the second. */
const windings = () => [-5, 5, -5].map((cx) => s("circle", { cx, r: 8, class: "winding" }));

function addBus(scene, bus) {
  const at = scene.spot.get(bus.id);
  const load = bus.service_points.length > 0 ? s("circle", { class: "load", r: 0 }) : null;
  if (load) {
    scene.layer.load.append(load);
    keep(scene, load, at);
  }
  const node = s("g", item(bus.id), s("circle", { r: 9, class: "hit-area" }), s("circle", { r: 2.6, class: "dot" }));
  if (bus.service_points.some((point) => point.critical)) node.append(s("path", { d: "M0-7V7M-7 0H7", class: "cross" }));
  node.append(s("path", { d: "M-4.5-1L0 4.5 4.5-1M0 4.5V-6", class: "down" }));
  scene.layer.bus.append(node);
  keep(scene, node, at);
  scene.buses.set(bus.id, { node, load });
}

function updateBranches(scene, values) {
  const labelled = values.known ? worthALabel(scene.branches, values.loading) : new Set();
  for (const [id, branch] of scene.branches) {
    const value = values.loading.get(id);
    const level = values.known ? loadingClass(value, branch.limit) : "unknown";
    if (branch.node.getAttribute("data-class") !== level) {
      branch.node.setAttribute("data-class", level);
      if (level === "over" || level === "high") branch.node.parentNode.append(branch.node); // above its like
    }
    updateLabel(scene, branch, level, labelled.has(branch) ? values.percent(value) : null);
  }
}

/** Every transformer, and the lines that are closest to their limits or over. */
function worthALabel(branches, loading) {
  const share = ([id, branch]) => (loading.get(id) ?? 0) / branch.limit;
  const loaded = [...branches].filter(([id, branch]) => ["high", "over"].includes(loadingClass(loading.get(id), branch.limit)));
  loaded.sort((one, other) => share(other) - share(one));
  const always = [...branches.values()].filter((branch) => branch.always);
  return new Set([...always, ...loaded.slice(0, LABELS).map(([, branch]) => branch)]);
}

function updateLabel(scene, branch, level, words) {
  if (words === null) {
    if (branch.label) scene.signs.delete(branch.label);
    branch.label?.remove();
    branch.label = null;
    return;
  }
  if (!branch.label) {
    branch.label = s("text", { dy: -branch.raise, "text-anchor": "middle" });
    scene.layer.label.append(branch.label);
    keep(scene, branch.label, branch.at);
  }
  setText(branch.label, words);
  setAttribute(branch.label, "data-class", level);
}

function updateBuses({ buses }, values) {
  for (const [id, { node, load }] of buses) {
    const limited = values.limited.has(id);
    setAttribute(node, "data-limited", limited);
    setAttribute(node, "data-bad", values.voltageBad.has(id));
    if (!load) continue;
    // area follows power, so that twice the load looks like twice
    setAttribute(load, "r", (3.2 * Math.sqrt(Math.max(0, values.load.get(id) ?? 0))).toFixed(1));
    setAttribute(load, "data-limited", limited);
  }
}

function keep(scene, node, at) {
  scene.signs.set(node, at);
  place(scene, node, at);
}

function place({ unitsPerPixel }, node, at) {
  node.setAttribute("transform", `translate(${at.x} ${at.y}) scale(${unitsPerPixel})`);
}

const item = (id) => ({ "data-id": id, class: "item", tabindex: -1, role: "img" });

function placesOf(network, mode) {
  const [x, y] = mode === "map" ? ["x", "y"] : ["diagram_x", "diagram_y"];
  return new Map(network.buses.map((bus) => [bus.id, { x: bus[x], y: bus[y] }]));
}

/** Straight on the map; in the diagram down first, then along, as one-line diagrams are drawn. */
function pathOf(from, to, mode) {
  if (mode === "map") return `M${from.x} ${from.y}L${to.x} ${to.y}`;
  const [left, right] = from.x <= to.x ? [from, to] : [to, from];
  return `M${left.x} ${left.y}V${right.y}H${right.x}`;
}

function middleOf(from, to, mode) {
  const x = (from.x + to.x) / 2;
  if (mode === "map") return { x, y: (from.y + to.y) / 2 };
  return { x, y: from.x <= to.x ? to.y : from.y };
}

function boxOf(places) {
  const xs = places.map((place) => place.x);
  const ys = places.map((place) => place.y);
  const [left, top] = [Math.min(...xs), Math.min(...ys)];
  const [width, height] = [Math.max(...xs) - left, Math.max(...ys) - top];
  const margin = Math.max(width, height) * 0.05 + 20;
  return { x: left - margin, y: top - margin, width: width + 2 * margin, height: height + 2 * margin };
}
