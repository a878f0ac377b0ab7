// The strip on top: which feeder, what time it is there, and whether we may trust what we see.

import { clock, day } from "../format.js";
import { chip } from "../parts/chip.js";
import { h, keyed, setAttribute, setText } from "../parts/dom.js";
import { choose, state, subscribe } from "../store.js";
import { text } from "../strings.js";

const LINK_SIGN = { connecting: "waiting", live: "good", silent: "alarm", lost: "alarm" };

export function mountHeader(root) {
  const site = h("span", { class: "site" });
  const select = h("select", { id: "feeder", change: () => choose(select.value) });
  const time = h("time", { class: "clock" });
  const date = h("span", { class: "date" });
  const [automatic, data, link] = [chip(), chip(), chip()];
  root.replaceChildren(
    h("div", { class: "brand" }, h("img", { src: "/console/icon.svg", alt: "", width: 28, height: 28 }), h("h1", {}, text.product), site),
    h("label", { class: "feeder", for: "feeder" }, h("span", {}, text.feeder), select),
    h("div", { class: "when", title: text.siteTime }, time, date),
    h("div", { class: "chips" }, automatic.node, data.node, link.node),
  );

  subscribe(() => {
    const { view } = state;
    setText(site, state.site);
    keyed(select, state.feeders, (feeder) => feeder.id, (feeder) => ({ node: h("option", { value: feeder.id }, feeder.id) }));
    if (state.feeder && select.value !== state.feeder) select.value = state.feeder;
    setAttribute(select, "disabled", state.feeders.length < 2);
    setText(time, view ? clock(view.at) : "––:––:––");
    setAttribute(time, "datetime", view?.at);
    setText(date, view ? `${day(view.at)}, UTC` : "");
    link.update(LINK_SIGN[state.link], text.link[state.link]);
    automatic.node.hidden = data.node.hidden = !view;
    if (view) {
      automatic.update(view.automatic ? "good" : "warning", view.automatic ? text.automaticOn : text.automaticOff);
      showQuality(data, view.quality);
    }
    document.title = view ? `${state.feeder} – ${text.product}` : text.product;
  });
}

function showQuality(data, { measured, stale, estimated, alarm }) {
  const total = measured + stale + estimated;
  const sign = alarm ? "alarm" : stale > 0 ? "warning" : "good";
  data.update(sign, alarm ? text.dataAlarm : text.data(measured, total), alarm ?? text.dataTitle(stale, estimated));
}
