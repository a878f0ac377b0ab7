// The event and its requests. What was asked, what was acknowledged and what the meter shows stand apart.

import { OPEN_STATES, nameOf } from "../elements.js";
import { hourMinute, integer, kw, kwh, percent } from "../format.js";
import { chip } from "../parts/chip.js";
import { h, keyed, setAttribute, setText } from "../parts/dom.js";
import { panel } from "../parts/panel.js";
import { state, subscribe } from "../store.js";
import { kindName, text } from "../strings.js";

const words = text.requests;
const NEAR_KW = 0.15; // a device that holds its limit swings a little around it
const WENT_WRONG = new Set(["refused", "unanswered", "overridden", "failed"]);
const SIGN = {
  planned: "waiting", sent: "waiting", accepted: "limited", active: "limited", ended: "info", settled: "good",
  refused: "warning", unanswered: "warning", overridden: "warning", failed: "alarm",
};

export function mountRequests(root) {
  const { body, note } = panel(root, words.title);
  const rows = h("tbody", {});
  const heads = Object.entries(words.columns).map(([name, title]) => h("th", { scope: "col", class: `col-${name}` }, title));
  const table = h("table", {}, h("caption", { class: "unseen" }, words.title), h("thead", {}, h("tr", {}, ...heads)), rows);
  const none = h("p", { class: "empty" }, words.none);
  const frame = h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": words.title }, table);
  body.append(frame, none);

  subscribe(() => {
    const requests = state.view?.requests ?? [];
    setText(note, eventText(state.view?.event, state.network));
    frame.hidden = requests.length === 0;
    none.hidden = requests.length > 0;
    keyed(rows, requests, (request) => request.request, row);
  });
}

function eventText(event, network) {
  if (!event) return words.noEvent;
  const parts = [words.event(nameOf(network, event.element)), words.opened(hourMinute(event.opened_at))];
  if (event.closed_at) parts.push(words.closed(hourMinute(event.closed_at)));
  parts.push(words.peak(percent(event.peak_percent)), words.counted(event.requests));
  return parts.join(" · ");
}

function cell(name) {
  const main = h("span", { class: "main" });
  const faint = h("span", { class: "faint" });
  const node = h("td", { class: `col-${name}`, "data-label": words.columns[name] }, main, faint);
  return {
    node,
    show(value, note = "", level = null) {
      setText(main, value);
      setText(faint, note);
      setAttribute(node, "data-level", level);
    },
  };
}

function row() {
  const stateChip = chip();
  const stateCell = h("td", { class: "col-state", "data-label": words.columns.state }, stateChip.node);
  const cells = {};
  for (const name of Object.keys(words.columns).slice(1)) cells[name] = cell(name);
  const node = h("tr", {}, stateCell, ...Object.values(cells).map((one) => one.node));
  return {
    node,
    update(request) {
      const open = OPEN_STATES.has(request.state);
      setAttribute(node, "data-open", open || null);
      stateChip.update(SIGN[request.state] ?? "info", words.states[request.state] ?? request.state, request.request);
      const person = request.resource === "person";
      cells.customer.show(request.customer, request.service_point);
      cells.target.show(person ? text.requests.noticeGiven : request.target, person ? "" : kindName(request.kind));
      const when = open ? words.until(hourMinute(request.end)) : words.ended(hourMinute(request.end));
      cells.asked.show(words.askedText(kw(request.limit_kw), kw(request.p_before_kw)), when);
      cells.acknowledged.show(acknowledgedText(request, person), WENT_WRONG.has(request.state) ? (request.reason ?? "") : "");
      showObserved(cells.observed, request, open);
      cells.verified.show(kwh(request.reduced_kwh));
      cells.points.show(integer(request.points));
    },
  };
}

function acknowledgedText(request, person) {
  if (person && !["planned", "refused", "failed", "overridden"].includes(request.state)) return words.noticeGiven;
  return words.acknowledged[request.state] ?? request.state;
}

function showObserved(observed, request, open) {
  if (!open) return observed.show(text.none);
  if (request.observed_kw === null) return observed.show(text.none, words.notSeen);
  const within = request.observed_kw <= request.limit_kw + NEAR_KW;
  return observed.show(kw(request.observed_kw), within ? words.within : words.above, within ? "good" : "warning");
}
