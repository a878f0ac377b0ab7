// A loading as a bar against its limit, with a mark for what it would be without control.

import { h, setAttribute } from "./dom.js";

const FULL = 150;

/** {node, update(percent, limit, ghost)}; decoration only: the number stands beside it. */
export function loadingBar() {
  const fill = h("span", { class: "bar-fill" });
  const ghost = h("span", { class: "bar-ghost" });
  const limitMark = h("span", { class: "bar-limit" });
  const node = h("span", { class: "bar", "aria-hidden": "true" }, fill, ghost, limitMark);
  const at = (value) => `${Math.min(100, Math.max(0, (100 * value) / FULL))}%`;
  return {
    node,
    update(percent, limit = 100, without = null) {
      fill.style.setProperty("inline-size", at(percent ?? 0));
      limitMark.style.setProperty("inset-inline-start", at(limit));
      ghost.hidden = without === null;
      ghost.style.setProperty("inset-inline-start", at(without ?? 0));
      setAttribute(node, "data-class", loadingClass(percent, limit));
    },
  };
}

/** normal, high (from 80 % of the limit) or over. */
export function loadingClass(percent, limit = 100) {
  if (percent === null || percent === undefined) return "unknown";
  if (percent > limit) return "over";
  return percent >= 0.8 * limit ? "high" : "normal";
}
