// Small signs whose shape says the same as their colour.

import { s } from "./dom.js";

const shapes = {
  info: ["M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2z", "M8 7.2v3.6M8 4.9v.2"],
  good: ["M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2z", "M5.3 8.2l1.9 1.9 3.6-4"],
  warning: ["M8 2.2L14.6 13.6H1.4z", "M8 6.4v3.4M8 11.5v.2"],
  alarm: ["M5.5 2h5L14 5.5v5L10.5 14h-5L2 10.5v-5z", "M8 4.7v4M8 11v.2"],
  limited: ["M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2z", "M8 4.8v6M5.5 8.5L8 11l2.5-2.5"],
  waiting: ["M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2z", "M8 4.8V8l2.2 1.6"],
};

/** The sign of a severity: info, good, warning, alarm, limited or waiting. */
export function icon(name) {
  const [outline, mark] = shapes[name] ?? shapes.info;
  return s(
    "svg",
    { viewBox: "0 0 16 16", class: `icon icon-${name}`, "aria-hidden": "true" },
    s("path", { d: outline, class: "icon-body" }),
    s("path", { d: mark, class: "icon-mark" }),
  );
}
