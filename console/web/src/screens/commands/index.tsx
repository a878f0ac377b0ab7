// Commands: the automatic on and off, orders in two steps, what waits for a second person, what became of all.

import { useEffect } from "preact/hooks";
import { fetchOverview } from "../../live/overview";
import { Page } from "../../parts/page";
import "./commands.css";
import { FeedersPanel } from "./feeders_panel";
import { LatestPanel, WaitingPanel } from "./order_lists";
import { beginOrders, refreshOrders } from "./order_store";

const title = { en: "Commands", zh: "指令" };

export default function Screen() {
  useEffect(() => {
    beginOrders();
    refreshOrders();
    void fetchOverview();
  }, []);
  return (
    <Page title={title}>
      <WaitingPanel />
      <FeedersPanel />
      <LatestPanel />
    </Page>
  );
}
