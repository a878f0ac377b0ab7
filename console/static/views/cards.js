// Five figures: how bad, how much is held back, what was proved, what it earned, who answered.

import { OPEN_STATES, busiest, elementsOf, isInForce, nameOf, withoutControl } from "../elements.js";
import { integer, kw, kwh, money, percent } from "../format.js";
import { loadingBar } from "../parts/bar.js";
import { h, setText } from "../parts/dom.js";
import { state, subscribe } from "../store.js";
import { text } from "../strings.js";

const words = text.cards;

export function mountCards(root) {
  root.setAttribute("aria-label", words.title);
  const cards = {};
  for (const name of ["highest", "heldBack", "energy", "credited", "answered"]) {
    const value = h("p", { class: "value" }, text.none);
    const note = h("p", { class: "note" });
    cards[name] = { value, note };
    root.append(h("article", { class: "card", id: `card-${name}` }, h("h2", {}, words[name]), value, note));
  }
  const bar = loadingBar();
  cards.highest.value.after(bar.node);
  const show = (name, value, note) => {
    setText(cards[name].value, value);
    setText(cards[name].note, note);
  };

  subscribe(() => {
    const { view, network } = state;
    if (!view) return clear(cards, bar);
    showHighest(view, network, show, bar);
    const open = view.requests.filter((request) => OPEN_STATES.has(request.state));
    const inForce = open.filter(isInForce).length;
    const held = view.event && !view.event.closed_at ? view.event.curtailed_kw : 0;
    show("heldBack", kw(held), open.length > 0 ? words.inForce(inForce, open.length) : words.noRequests);
    const { totals } = view;
    show("energy", kwh(totals.curtailed_kwh), words.events(totals.events));
    show("credited", `${integer(totals.credited_points)} ${words.points}`, money(totals.credited_minor_units, totals.currency));
    const share = totals.requests_sent > 0 ? (100 * totals.requests_answered) / totals.requests_sent : null;
    show("answered", percent(share), words.answeredOf(integer(totals.requests_answered), integer(totals.requests_sent)));
  });
}

/** Another feeder's figures must not stand as this one's. */
function clear(cards, bar) {
  for (const { value, note } of Object.values(cards)) {
    setText(value, text.none);
    setText(note, "");
  }
  bar.update(null);
}

function showHighest(view, network, show, bar) {
  const top = busiest(view);
  const without = withoutControl(view);
  const name = top ? nameOf(network, top.id) : "";
  show("highest", percent(top?.loading_percent), without !== null ? `${name} · ${words.without(percent(without))}` : name);
  const limit = top ? elementsOf(network).get(top.id)?.max_loading_percent : undefined;
  bar.update(top?.loading_percent, limit, without);
}
