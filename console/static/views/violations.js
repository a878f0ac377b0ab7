// What is outside its limits, the worst first; when nothing is, what comes closest.

import { elementsOf, nameOf } from "../elements.js";
import { ago, hourMinute, percent, perUnit } from "../format.js";
import { loadingBar } from "../parts/bar.js";
import { h, keyed, setText } from "../parts/dom.js";
import { icon } from "../parts/icon.js";
import { panel } from "../parts/panel.js";
import { state, subscribe } from "../store.js";
import { text } from "../strings.js";

const words = text.violations;
const CLOSEST = 4;

export function mountViolations(root) {
  const { body, note } = panel(root, words.title);
  const list = h("ul", { class: "rows" });
  const none = h("p", { class: "empty" }, words.none);
  const closest = h("ul", { class: "rows closest" });
  body.append(list, none, closest);
  subscribe(() => {
    const { view } = state;
    const violations = view?.violations ?? [];
    const quiet = view !== null && view.converged && violations.length === 0;
    none.hidden = closest.hidden = !quiet;
    setText(note, violations.length > 0 ? String(violations.length) : "");
    keyed(list, violations, (one) => `${one.id} ${one.kind}`, violationRow);
    keyed(closest, quiet ? closestOf(view) : [], (one) => one.id, closestRow);
  });
}

function closestOf(view) {
  const elements = elementsOf(state.network);
  return [...view.transformers, ...view.lines]
    .map((one) => ({ ...one, limit: elements.get(one.id)?.max_loading_percent ?? 100 }))
    .sort((one, other) => other.loading_percent / other.limit - one.loading_percent / one.limit)
    .slice(0, CLOSEST);
}

function violationRow() {
  const name = h("strong", {});
  const what = h("span", { class: "faint" });
  const value = h("span", { class: "figure" });
  const limit = h("span", { class: "faint" });
  const node = h("li", {}, icon("warning"), h("div", { class: "grow" }, name, what), h("div", { class: "end" }, value, limit));
  return {
    node,
    update(one) {
      const shown = one.kind.endsWith("overload") ? percent : perUnit;
      const since = words.since(hourMinute(one.since), ago(one.since, state.view.at));
      setText(name, nameOf(state.network, one.id));
      setText(what, `${words.kinds[one.kind] ?? one.kind}, ${since}`);
      setText(value, shown(one.value));
      setText(limit, [words.limit(shown(one.limit)), ...sureness(one, shown)].join(", "));
    },
  };
}

function sureness(one, shown) {
  return one.probability == null ? [] : [words.sure(one.probability, shown(one.low), shown(one.high))];
}

function closestRow() {
  const name = h("span", { class: "grow" });
  const bar = loadingBar();
  const value = h("span", { class: "number" });
  return {
    node: h("li", { class: "one-line" }, name, bar.node, value),
    update(one) {
      setText(name, nameOf(state.network, one.id));
      bar.update(one.loading_percent, one.limit);
      setText(value, percent(one.loading_percent));
    },
  };
}
