// The frame of a panel: heading, a place for tools at its right, and the body.

import { h } from "./dom.js";

/** Fills `root`; returns {tools, body, note}. */
export function panel(root, title) {
  const heading = h("h2", { id: `${root.id}-title` }, title);
  const note = h("p", { class: "panel-note" });
  const tools = h("div", { class: "panel-tools" });
  const body = h("div", { class: "panel-body" });
  root.setAttribute("aria-labelledby", heading.id);
  root.replaceChildren(h("div", { class: "panel-head" }, heading, note, tools), body);
  return { tools, body, note };
}
