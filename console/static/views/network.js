// The drawing of the feeder, kept up to date, with what each element is and does on hover or focus.

import { elementsOf, isInForce, nameOf } from "../elements.js";
import { kw, percent, perUnit } from "../format.js";
import { h, s } from "../parts/dom.js";
import { drawGrid } from "../parts/grid_drawing.js";
import { legend } from "../parts/legend.js";
import { panZoom } from "../parts/pan_zoom.js";
import { panel } from "../parts/panel.js";
import { segments } from "../parts/segments.js";
import { tooltip } from "../parts/tooltip.js";
import { state, subscribe } from "../store.js";
import { kindName, text } from "../strings.js";

const words = text.network;

export function mountNetwork(root) {
  const { body, tools } = panel(root, words.title);
  const svg = s("svg", { class: "grid", tabindex: 0, role: "group", "aria-label": words.help });
  const tip = tooltip();
  const north = northArrow();
  const frame = h("div", { class: "grid-frame" }, svg, north.node, tip.node);
  const waiting = h("p", { class: "empty" }, words.waiting);
  body.append(waiting, frame, legend());
  let drawing = null;
  let drawn = null;
  let mode = null;
  let shownId = null;
  const zoom = panZoom(svg, (k) => drawing?.scaled(k));
  new ResizeObserver(() => drawing && zoom.resized()).observe(svg);

  const modes = segments(words.view, { map: words.map, diagram: words.diagram }, (wanted) => {
    mode = wanted;
    drawn = null;
    render();
  });
  const button = (label, sign, act) => h("button", { type: "button", "aria-label": label, title: label, click: act }, sign);
  tools.append(
    modes.node,
    button(words.zoomOut, "−", () => zoom.zoom(1 / zoom.step)),
    button(words.zoomIn, "+", () => zoom.zoom(zoom.step)),
    button(words.fit, "⤢", () => zoom.reset()),
  );

  function redraw(network) {
    const onMap = network.buses.every((bus) => bus.x !== null && bus.y !== null);
    if (mode === null || (mode === "map" && !onMap)) mode = onMap ? "map" : "diagram";
    modes.node.hidden = !onMap;
    modes.update(mode);
    drawing = drawGrid(svg, network, mode);
    zoom.fit(drawing.box);
    north.update(mode === "map", network.map_turned);
    drawn = network;
    hide();
  }

  function render() {
    frame.hidden = !state.network;
    waiting.hidden = Boolean(state.network);
    if (!state.network) return hide();
    if (drawn !== state.network) redraw(state.network);
    if (!state.view) return;
    drawing.update(valuesOf(state.view, state.network));
    if (shownId) show(shownId);
  }

  function show(id) {
    const matrix = svg.getScreenCTM();
    const at = drawing.placeOf(id);
    if (!matrix || !at) return;
    shownId = id;
    const [title, rows] = describe(id);
    const point = new DOMPoint(at.x, at.y).matrixTransform(matrix);
    const edge = frame.getBoundingClientRect();
    tip.show(title, rows, point.x - edge.left, point.y - edge.top);
  }

  function hide() {
    shownId = null;
    tip.hide();
  }

  listen(svg, { show, hide, zoom, order: () => orderOf(state.view, state.network), nodeOf: (id) => drawing?.nodeOf(id) });
  subscribe(render);
}

function listen(svg, { show, hide, zoom, order, nodeOf }) {
  const idOf = (event) => event.target.closest?.("[data-id]")?.dataset.id;
  svg.addEventListener("pointerover", (event) => (idOf(event) ? show(idOf(event)) : hide()));
  svg.addEventListener("pointerleave", hide);
  svg.addEventListener("focusin", (event) => idOf(event) && show(idOf(event)));
  svg.addEventListener("focusout", hide);
  svg.addEventListener("keydown", (event) => {
    const steps = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
    if (event.key in steps) {
      const ids = order();
      const here = ids.indexOf(idOf(event));
      const next = here < 0 ? 0 : (here + steps[event.key] + ids.length) % ids.length;
      const node = nodeOf(ids[next]);
      const [title, rows] = describe(ids[next]);
      node?.setAttribute("aria-label", `${title}: ${rows.map((row) => row.join(" ")).join(", ")}`);
      node?.focus({ preventScroll: true });
    } else if (event.key === "+" || event.key === "=") zoom.zoom(zoom.step);
    else if (event.key === "-") zoom.zoom(1 / zoom.step);
    else if (event.key === "0") zoom.reset();
    else if (event.key === "Escape") hide();
    else return;
    event.preventDefault();
  });
}

function northArrow() {
  const arrow = s("path", { d: "M0 9V-8M-4-3L0-8 4-3" });
  const letter = s("text", { dy: 4 }, words.north);
  const node = s("svg", { class: "north", viewBox: "-22 -22 44 44", "aria-hidden": "true" }, arrow, letter);
  return {
    node,
    update(onMap, turned) {
      node.style.setProperty("display", onMap ? "block" : "none");
      arrow.setAttribute("transform", turned ? "rotate(-90)" : "");
      letter.setAttribute("transform", turned ? "translate(-16 0)" : "translate(0 -15)");
    },
  };
}

/** All element ids, the most loaded first, buses last. */
function orderOf(view, network) {
  const loading = view ? loadingOf(view) : new Map();
  const branches = [...network.transformers, ...network.lines].map((one) => one.id);
  branches.sort((one, other) => (loading.get(other) ?? 0) - (loading.get(one) ?? 0));
  return [...branches, ...network.buses.map((bus) => bus.id)];
}

function loadingOf(view) {
  return new Map([...view.transformers, ...view.lines].map((one) => [one.id, one.loading_percent]));
}

function limitedPoints(view) {
  return new Map(view.requests.filter(isInForce).map((request) => [request.service_point, request]));
}

function valuesOf(view, network) {
  const limited = limitedPoints(view);
  const load = new Map();
  const limitedBuses = new Set();
  for (const bus of network.buses) {
    let sum = 0;
    for (const point of bus.service_points) {
      sum += view.service_point_kw[point.index] ?? 0;
      if (limited.has(point.name)) limitedBuses.add(bus.id);
    }
    load.set(bus.id, sum);
  }
  const voltageBad = new Set(view.violations.map((one) => one.id).filter((id) => id.startsWith("bus:")));
  return { loading: loadingOf(view), load, limited: limitedBuses, voltageBad, known: view.converged, percent };
}

/** [title, rows] of the card of one element. */
function describe(id) {
  const element = elementsOf(state.network).get(id);
  const title = nameOf(state.network, id);
  const { view } = state;
  if (!element || !view) return [title, []];
  if (element.element !== "bus") {
    return [title, [[words.loading, percent(loadingOf(view).get(id))], [words.limit, percent(element.max_loading_percent)]]];
  }
  const voltage = view.buses.find((bus) => bus.id === id)?.v_pu;
  const limited = limitedPoints(view);
  return [title, [[words.voltage, perUnit(voltage)], ...element.service_points.flatMap((point) => pointRows(point, view, limited))]];
}

function pointRows(point, view, limited) {
  const power = view.service_point_kw[point.index];
  const rows = [[point.customer ?? point.name, power === null || power === undefined ? words.unknown : kw(power)]];
  if (point.critical) rows.push([words.protectedMark, words.protectedNote]);
  if (point.device_kinds.length > 0) rows.push([words.devices, point.device_kinds.map(kindName).join(", ")]);
  const request = limited.get(point.name);
  if (request) rows.push([words.request, text.requests.askedText(kw(request.limit_kw), kw(request.p_before_kw))]);
  return rows;
}
