// What is going on, in one sentence: from a view to words and a severity. Pure; the most serious thing wins.

import { ACCEPTED_STATES, OPEN_STATES, busiest, elementsOf, nameOf, withoutControl } from "./elements.js";
import { kw, percent, perUnit } from "./format.js";
import { kindCount, text } from "./strings.js";

const words = text.situation;
const NEAR = 0.8; // of the limit, as in the drawing

/** {severity: "waiting"|"alarm"|"over"|"holding"|"near"|"quiet", sentence, detail} */
export function situationOf(view, network) {
  if (!view) return { severity: "waiting", sentence: words.waiting, detail: "" };
  if (view.quality.alarm) {
    const { measured, stale, estimated } = view.quality;
    const total = measured + stale + estimated;
    const old = measured < total ? `${words.old(measured, total)} ` : "";
    return { severity: "alarm", sentence: words.alarm(view.quality.alarm), detail: old + words.noAction };
  }
  if (!view.converged) return { severity: "alarm", sentence: words.diverged, detail: words.noAction };
  if (view.violations.length > 0) return over(view, network);
  if (view.event && !view.event.closed_at) return holding(view, network);
  return calm(view, network);
}

function calm(view, network) {
  const top = busiest(view);
  const detail = detailOf(view, false);
  if (!top) return { severity: "waiting", sentence: words.waiting, detail };
  const [where, value] = [nameOf(network, top.id), percent(top.loading_percent)];
  const limit = elementsOf(network).get(top.id)?.max_loading_percent ?? 100;
  if (top.loading_percent >= NEAR * limit) return { severity: "near", sentence: words.near(where, value), detail };
  return { severity: "quiet", sentence: words.quiet(value, where), detail };
}

function over(view, network) {
  const worst = view.violations[0];
  const where = nameOf(network, worst.id);
  const what = worst.kind.endsWith("overload")
    ? words.over(where, percent(worst.value))
    : words.low(where, perUnit(worst.value));
  const others = view.violations.length - 1;
  const detail = [others > 0 ? words.others(others) : "", detailOf(view, true)].filter(Boolean).join(" ");
  return { severity: "over", sentence: `${what}: ${askedText(view)}`, detail };
}

function askedText(view) {
  const open = requestsOfEvent(view);
  const asked = open.filter((request) => request.state !== "planned");
  if (open.length === 0) return words.noneAsked;
  if (asked.length === 0) return words.planned(who(open));
  const accepted = asked.filter((request) => ACCEPTED_STATES.has(request.state)).length;
  const refused = asked.filter((request) => ["refused", "unanswered", "failed"].includes(request.state)).length;
  return words.asked(who(asked), accepted, refused > 0 ? words.refused(refused) : "");
}

function holding(view, network) {
  const limited = requestsOfEvent(view).filter((request) => OPEN_STATES.has(request.state));
  const top = busiest(view);
  const where = top ? nameOf(network, top.id) : text.none;
  const value = percent(top?.loading_percent);
  const sentence = limited.length > 0 ? words.holding(where, value, who(limited)) : words.closing(where, value);
  return { severity: "holding", sentence, detail: detailOf(view, true) };
}

function detailOf(view, acting) {
  const parts = [];
  if (!view.automatic) parts.push(words.automaticOff);
  if (!acting) return parts.join(" ");
  if (view.event && !view.event.closed_at && view.event.curtailed_kw >= 0.05) parts.push(words.held(kw(view.event.curtailed_kw)));
  const without = withoutControl(view);
  if (without !== null) parts.push(words.without(percent(without)));
  return parts.join(" ");
}

function requestsOfEvent(view) {
  return view.event ? view.requests.filter((request) => request.event === view.event.event) : [];
}

/** "14 chargers and 2 people" */
function who(requests) {
  const kinds = new Map();
  for (const request of requests) kinds.set(request.kind, (kinds.get(request.kind) ?? 0) + 1);
  return [...kinds].map(([kind, n]) => kindCount(kind, n)).join(text.and);
}
