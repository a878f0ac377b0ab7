// What the signs of the network drawing mean.

import { h, s } from "./dom.js";
import { text } from "../strings.js";

const words = text.network;

const wire = (level) =>
  s("svg", { viewBox: "0 0 28 14", "aria-hidden": "true" },
    s("g", { class: "item", "data-class": level }, s("path", { d: "M2 7H26", class: "wire" })));
const sign = (...shapes) => s("svg", { viewBox: "-9 -9 18 18", "aria-hidden": "true" }, ...shapes);

export function legend() {
  const entries = [
    [wire("normal"), words.normal],
    [wire("high"), words.high],
    [wire("over"), words.over],
    [sign(s("g", { class: "grid-trafo" }, s("g", {}, ...[-3.2, 3.2, -3.2].map((cx) => s("circle", { cx, r: 5, class: "winding" }))))), words.trafo],
    [sign(s("circle", { r: 7, class: "load" }), s("circle", { r: 2.2, class: "dot" })), words.load],
    [
      sign(s("circle", { r: 7, class: "load", "data-limited": true }),
        s("g", { class: "item", "data-limited": true }, s("path", { d: "M-4-1L0 4 4-1M0 4V-5", class: "down" }))),
      words.limited,
    ],
    [sign(s("path", { d: "M0-7V7M-7 0H7", class: "cross" })), words.critical],
  ];
  return h("ul", { class: "legend", "aria-label": words.legend }, ...entries.map(([mark, said]) => h("li", {}, mark, said)));
}
