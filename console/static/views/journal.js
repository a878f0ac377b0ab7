// The journal as sentences, newest first.

import { clock } from "../format.js";
import { h, keyed, setText } from "../parts/dom.js";
import { icon } from "../parts/icon.js";
import { panel } from "../parts/panel.js";
import { segments } from "../parts/segments.js";
import { state, subscribe } from "../store.js";
import { text } from "../strings.js";

const SHOWN = 120;

export function mountJournal(root) {
  const { body, tools } = panel(root, text.journal.title);
  let shown = "important";
  const choice = segments(text.journal.view, { important: text.journal.important, all: text.journal.all }, (wanted) => {
    shown = wanted;
    render();
  });
  tools.append(choice.node);
  const list = h("ol", { class: "told", reversed: true });
  const none = h("p", { class: "empty" }, text.journal.none);
  body.append(list, none);
  body.tabIndex = 0; // scrolls by keyboard
  body.setAttribute("role", "region");
  body.setAttribute("aria-label", text.journal.title);

  function render() {
    choice.update(shown);
    const wanted = shown === "all" ? state.told : state.told.filter((one) => one.severity !== "info");
    const told = wanted.slice(-SHOWN).reverse();
    none.hidden = told.length > 0;
    keyed(list, told, (one) => one.seq, row);
  }

  subscribe(render);
}

function row(one) {
  const words = h("span", { class: "grow" });
  setText(words, one.text);
  const severity = h("span", { class: "unseen" }, `${text.journal.severity[one.severity] ?? one.severity}: `);
  const time = h("time", { datetime: one.at }, clock(one.at));
  return { node: h("li", { "data-severity": one.severity }, time, icon(one.severity), severity, words) };
}
