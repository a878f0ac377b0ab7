// Who puts how much on the worst element, and how much of it could be asked for. Away while nothing is violated.

import { nameOf } from "../elements.js";
import { kw, percent } from "../format.js";
import { h, keyed, setAttribute, setText } from "../parts/dom.js";
import { panel } from "../parts/panel.js";
import { state, subscribe } from "../store.js";
import { text } from "../strings.js";

const words = text.causes;

export function mountCauses(root) {
  const { body, note, tools } = panel(root, words.title);
  const key = (name) => h("li", {}, h("span", { class: `swatch ${name}` }), words[name]);
  tools.append(h("ul", { class: "legend" }, key("could"), key("rest")));
  const list = h("ol", { class: "rows" });
  body.append(list);
  subscribe(() => {
    const located = state.view?.located ?? [];
    root.hidden = located.length === 0;
    setText(note, located.length > 0 ? words.of(nameOf(state.network, located[0].violation)) : "");
    const most = Math.max(1, ...located.map((one) => one.share_percent));
    keyed(list, located.map((one) => ({ ...one, most })), (one) => one.service_point, row);
  });
}

function row() {
  const name = h("strong", {});
  const point = h("span", { class: "faint" });
  const bar = h("span", { class: "share", "aria-hidden": "true" });
  const share = h("span", { class: "number" });
  const power = h("span", { class: "number faint" });
  const node = h("li", { class: "one-line" }, name, point, h("span", { class: "share-track" }, bar), share, power);
  return {
    node,
    update(one) {
      setText(name, one.customer ?? one.service_point);
      setText(point, one.customer ? one.service_point : "");
      setAttribute(node, "title", one.flexible_kw > 0.05 ? words.flexible(kw(one.flexible_kw)) : words.notFlexible);
      bar.style.setProperty("inline-size", `${(100 * one.share_percent) / one.most}%`);
      bar.style.setProperty("--flexible", `${Math.min(100, (100 * one.flexible_kw) / Math.max(one.p_kw, 0.01))}%`);
      setText(share, percent(one.share_percent));
      setText(power, kw(one.p_kw));
    },
  };
}
