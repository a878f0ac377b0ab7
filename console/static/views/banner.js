// Says across the page that what it shows is old, and greys it. Never lets the old pass as the present.

import { clock } from "../format.js";
import { h, setText } from "../parts/dom.js";
import { icon } from "../parts/icon.js";
import { reconnect, state, subscribe } from "../store.js";
import { text } from "../strings.js";

export function mountBanner(root) {
  const words = h("span", {});
  root.replaceChildren(icon("alarm"), words, h("button", { type: "button", click: reconnect }, text.banner.retry));
  subscribe(() => {
    const old = state.link === "silent" || state.link === "lost";
    root.hidden = !old;
    document.body.classList.toggle("old", old);
    if (!old) return;
    setText(words, state.view ? text.banner[state.link](clock(state.view.at)) : text.banner.never);
  });
}
