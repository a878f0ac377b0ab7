// The big sentence. Spoken by screen readers when its meaning changes, not with every digit.

import { h, setAttribute, setText } from "../parts/dom.js";
import { icon } from "../parts/icon.js";
import { situationOf } from "../situation.js";
import { state, subscribe } from "../store.js";
import { text } from "../strings.js";

const SIGN = { waiting: "waiting", alarm: "alarm", over: "warning", holding: "limited", near: "info", quiet: "good" };

export function mountSituation(root) {
  const sign = h("span", { class: "situation-sign" }, icon("waiting"));
  const sentence = h("p", { class: "sentence" });
  const detail = h("p", { class: "detail" });
  const spoken = h("p", { class: "unseen", "aria-live": "polite" });
  root.setAttribute("aria-label", text.situation.title);
  root.replaceChildren(sign, h("div", {}, sentence, detail), spoken);
  let said = "";

  subscribe(() => {
    const now = situationOf(state.view, state.network);
    if (root.dataset.severity !== now.severity) sign.replaceChildren(icon(SIGN[now.severity]));
    setAttribute(root, "data-severity", now.severity);
    setText(sentence, now.sentence);
    setText(detail, now.detail);
    const meaning = `${now.severity} ${state.view?.violations.length ?? 0} ${state.link}`;
    if (meaning !== said) {
      said = meaning;
      setText(spoken, now.sentence);
    }
  });
}
