// A choice between few, as joined buttons.

import { h } from "./dom.js";

/** `options` are {name: label}; `choose(name)` is called on a click. Returns {node, update(name)}. */
export function segments(label, options, choose) {
  const make = ([name, said]) => [name, h("button", { type: "button", click: () => choose(name) }, said)];
  const buttons = Object.entries(options).map(make);
  const node = h("div", { class: "segments", role: "group", "aria-label": label }, ...buttons.map(([, button]) => button));
  return {
    node,
    update(chosen) {
      for (const [name, button] of buttons) button.setAttribute("aria-pressed", String(name === chosen));
    },
  };
}
