// A short state with its sign, as the header and tables show it.

import { h, setAttribute, setText } from "./dom.js";
import { icon } from "./icon.js";

/** {node, update(sign, words, title)} */
export function chip() {
  const words = h("span", {});
  const node = h("span", { class: "chip" }, icon("info"), words);
  let shown = "info";
  return {
    node,
    update(sign, said, title = null) {
      if (sign !== shown) {
        node.firstChild.replaceWith(icon(sign));
        shown = sign;
      }
      setText(words, said);
      setAttribute(node, "data-sign", sign);
      setAttribute(node, "title", title);
    },
  };
}
