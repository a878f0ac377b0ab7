// One floating card with a title and rows of label and value.

import { h } from "./dom.js";

const GAP = 14;

/** {node, show(title, rows, x, y), hide()}; x and y in pixels of the positioned parent. */
export function tooltip() {
  const node = h("div", { class: "tooltip", hidden: true });
  return {
    node,
    show(title, rows, x, y) {
      const list = rows.map(([label, value]) => h("div", {}, h("dt", {}, label), h("dd", {}, value)));
      node.replaceChildren(h("strong", {}, title), h("dl", {}, ...list));
      node.hidden = false;
      const frame = node.offsetParent;
      if (!frame) return;
      const right = x + GAP + node.offsetWidth > frame.clientWidth;
      const below = y + GAP + node.offsetHeight > frame.clientHeight;
      node.style.setProperty("left", `${Math.max(4, right ? x - GAP - node.offsetWidth : x + GAP)}px`);
      node.style.setProperty("top", `${Math.max(4, below ? y - GAP - node.offsetHeight : y + GAP)}px`);
    },
    hide() {
      node.hidden = true;
    },
  };
}
