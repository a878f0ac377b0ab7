// Puts each view into its place and starts the store.

import { start } from "./store.js";
import { mountBanner } from "./views/banner.js";
import { mountCards } from "./views/cards.js";
import { mountCauses } from "./views/causes.js";
import { mountHeader } from "./views/header.js";
import { mountJournal } from "./views/journal.js";
import { mountNetwork } from "./views/network.js";
import { mountRequests } from "./views/requests.js";
import { mountSituation } from "./views/situation.js";
import { mountTrend } from "./views/trend.js";
import { mountViolations } from "./views/violations.js";

const views = {
  header: mountHeader,
  banner: mountBanner,
  situation: mountSituation,
  cards: mountCards,
  network: mountNetwork,
  violations: mountViolations,
  causes: mountCauses,
  trend: mountTrend,
  journal: mountJournal,
  requests: mountRequests,
};

for (const [id, mount] of Object.entries(views)) mount(document.getElementById(id));
start();
