// The one copy of state. Views read it and are told when it changed; only the link writes, through the functions here.

import { openLink } from "./link.js";

const KEEP_TREND = 2000;
const KEEP_TOLD = 500;

export const state = {
  site: "",
  feeders: [],
  feeder: new URLSearchParams(location.search).get("feeder"),
  network: null,
  view: null,
  trend: [],
  told: [],
  /** connecting, live, silent or lost: only while live is what we have the present */
  link: "connecting",
};

const readers = new Set();
let scheduled = false;

/** Call `read` now and after each change, at most once per picture. */
export function subscribe(read) {
  readers.add(read);
  read();
}

function changed() {
  if (scheduled) return;
  scheduled = true;
  // a hidden page gets no animation frames: it catches up when it is looked at again
  requestAnimationFrame(() => {
    scheduled = false;
    for (const read of readers) read();
  });
}

function takeStatic({ site, feeders, feeder, network }) {
  if (feeder !== state.feeder) Object.assign(state, { view: null, trend: [], told: [] });
  const same = state.network !== null && JSON.stringify(state.network) === JSON.stringify(network);
  Object.assign(state, { site, feeders, feeder, network: same ? state.network : network });
  changed();
}

function takeState({ full, view, trend, told }) {
  state.view = view;
  state.trend = (full ? trend : [...state.trend, ...trend]).slice(-KEEP_TREND);
  state.told = (full ? told : [...state.told, ...told]).slice(-KEEP_TOLD);
  changed();
}

function takeLink(link) {
  if (state.link === link) return;
  state.link = link;
  changed();
}

let link = null;

/** Begin to listen. */
export function start() {
  link = openLink({ wanted: () => state.feeder, onStatic: takeStatic, onState: takeState, onLink: takeLink });
}

/** Try again at once. */
export function reconnect() {
  link?.reconnect();
}

/** Show another feeder. */
export function choose(feeder) {
  Object.assign(state, { feeder, network: null, view: null, trend: [], told: [], link: "connecting" });
  const address = new URL(location.href);
  address.searchParams.set("feeder", feeder);
  history.replaceState(null, "", address);
  changed();
  reconnect();
}
