// The network as SVG: lines by loading, transformers, buses with their load. Gets values only; built once per network.

import { loadingClass } from "./bar.js";
import { s, setAttribute, setText } from "./dom.js";

const LABELS = 6;
const NARROW_PX = 480;

/**
 * Draw `network` in `mode` ("map" or "diagram") into `svg`.
 * Returns {box, update(values), scaled(unitsPerPixel), order()}: `values` is {loading: Map, voltageBad: Set,
 * load: Map of kW by bus, limited: Set of buses, known}.
 */
export function drawGrid(svg, network, mode) {
  const spot = placesOf(network, mode);
  const fixed = []; // signs that keep their size in pixels
  const branches = new Map();
  const buses = new Map();
  const layers = ["lines", "load", "bus", "trafo", "label"].map((name) => s("g", { class: `grid-${name}` }));
  const [lineLayer, loadLayer, busLayer, trafoLayer, labelLayer] = layers;
  svg.replaceChildren(...layers);

  const keep = (node, at) => {
    fixed.push([node, at]);
    return node;
  };

  for (const line of network.lines) {
    const d = pathOf(spot.get(line.from_bus), spot.get(line.to_bus), mode);
    const node = s("g", item(line.id), s("path", { d, class: "hit" }), s("path", { d, class: "wire" }));
    lineLayer.append(node);
    const at = middleOf(spot.get(line.from_bus), spot.get(line.to_bus), mode);
    branches.set(line.id, { node, layer: lineLayer, limit: line.max_loading_percent, at, label: null });
  }
  for (const trafo of network.transformers) {
    const [from, to] = [spot.get(trafo.hv_bus), spot.get(trafo.lv_bus)];
    const at = middleOf(from, to, "map");
    lineLayer.append(s("path", { d: pathOf(from, to, "map"), class: "wire stub" }));
    const turn = (Math.atan2(to.y - from.y, to.x - from.x) * 180) / Math.PI;
    const node = s(
      "g",
      item(trafo.id),
      s("circle", { r: 14, class: "hit-area" }),
      s("g", { transform: `rotate(${turn})` }, ...windings()),
    );
    trafoLayer.append(keep(node, at));
    branches.set(trafo.id, { node, layer: trafoLayer, limit: trafo.max_loading_percent, at, label: null });
  }
  for (const bus of network.buses) {
    const at = spot.get(bus.id);
    const critical = bus.service_points.some((point) => point.critical);
    const load = bus.service_points.length > 0 ? keep(s("circle", { class: "load", r: 0 }), at) : null;
    if (load) loadLayer.append(load);
    const node = s("g", item(bus.id), s("circle", { r: 9, class: "hit-area" }), s("circle", { r: 2.6, class: "dot" }));
    if (critical) node.append(s("path", { d: "M0-7V7M-7 0H7", class: "cross" }));
    node.append(s("path", { d: "M-4.5-1L0 4.5 4.5-1M0 4.5V-6", class: "down" }));
    busLayer.append(keep(node, at));
    buses.set(bus.id, { node, load });
  }

  let unitsPerPixel = 1;
  const place = ([node, at]) =>
    node.setAttribute("transform", `translate(${at.x} ${at.y}) scale(${unitsPerPixel})`);

  function labelled(values) {
    const loaded = [...branches]
      .map(([id, branch]) => [branch, values.loading.get(id)])
      .filter(([branch, value]) => loadingClass(value, branch.limit) !== "normal" && value !== undefined)
      .sort((one, other) => other[1] / other[0].limit - one[1] / one[0].limit);
    const shown = new Set(loaded.slice(0, LABELS).map(([branch]) => branch));
    for (const branch of branches.values()) if (branch.layer === trafoLayer) shown.add(branch);
    return shown;
  }

  function updateLabel(branch, value, words) {
    if (words === null) {
      if (branch.label) branch.label.node.remove();
      if (branch.label) fixed.splice(fixed.indexOf(branch.label.entry), 1);
      branch.label = null;
      return;
    }
    if (!branch.label) {
      const node = s("text", { dy: branch.layer === trafoLayer ? -16 : -8, "text-anchor": "middle" });
      const entry = [node, branch.at];
      labelLayer.append(node);
      fixed.push(entry);
      place(entry);
      branch.label = { node, entry };
    }
    setText(branch.label.node, words);
    setAttribute(branch.label.node, "data-class", loadingClass(value, branch.limit));
  }

  return {
    box: boxOf([...spot.values()]),
    update(values) {
      const shown = labelled(values);
      for (const [id, branch] of branches) {
        const value = values.loading.get(id);
        const level = values.known ? loadingClass(value, branch.limit) : "unknown";
        if (branch.node.getAttribute("data-class") !== level) {
          branch.node.setAttribute("data-class", level);
          if (level === "over" || level === "high") branch.layer.append(branch.node); // drawn above the rest
        }
        updateLabel(branch, value, shown.has(branch) && values.known ? values.percent(value) : null);
      }
      for (const [id, bus] of buses) {
        setAttribute(bus.node, "data-limited", values.limited.has(id) || null);
        setAttribute(bus.node, "data-bad", values.voltageBad.has(id) || null);
        // area follows power, so that twice the load looks like twice
        if (bus.load) setAttribute(bus.load, "r", (3.2 * Math.sqrt(Math.max(0, values.load.get(id) ?? 0))).toFixed(1));
        if (bus.load) setAttribute(bus.load, "data-limited", values.limited.has(id) || null);
      }
    },
    scaled(k) {
      // on a phone the signs would cover one another
      unitsPerPixel = svg.clientWidth < NARROW_PX ? 0.7 * k : k;
      fixed.forEach(place);
    },
    placeOf: (id) => branches.get(id)?.at ?? spot.get(id),
    nodeOf: (id) => branches.get(id)?.node ?? buses.get(id)?.node,
  };
}

/** Two circles that cross; the first is drawn again so that its line shows inside the second. */
const windings = () => [-5, 5, -5].map((cx) => s("circle", { cx, r: 8 }));

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
