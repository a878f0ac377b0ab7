// In the header of every screen, for who may operate: the emergency stop, and the orders that wait for one.

import { useEffect, useState } from "preact/hooks";
import { Icon } from "../../parts/icon";
import { may } from "../../session";
import { t, type Text } from "../../words";
import { beginOrders, orders, stops } from "./order_store";
import { StopDialog } from "./stop_dialog";
import "./strip.css";

const words = {
  stop: { en: "Emergency stop", zh: "紧急停止" },
  waits: (count: number): Text => ({
    en: `${count} ${count === 1 ? "order waits" : "orders wait"} for you`,
    zh: `${count} 条指令待您确认`,
  }),
  holds: (feeders: number): Text => ({
    en: `Emergency stop holds on ${feeders} ${feeders === 1 ? "feeder" : "feeders"}`,
    zh: `紧急停止生效中：${feeders} 条馈线`,
  }),
};

export function CommandStrip() {
  const [isStopping, setStopping] = useState(false);
  useEffect(beginOrders, []);
  const held = stops.value.length;
  const waiting = orders.value?.waiting_for_me ?? 0;
  const mayOperate = may("operate");
  return (
    <span class="command-strip">
      {held > 0 && (
        <a class="command-held" href="#/commands">
          <Icon name="stop" /> {t(words.holds(held))}
        </a>
      )}
      {mayOperate && waiting > 0 && (
        <a class="command-waits" href="#/commands">
          {t(words.waits(waiting))}
        </a>
      )}
      {mayOperate && (
        <button type="button" class="stop-button" onClick={() => setStopping(true)}>
          <Icon name="stop" /> {t(words.stop)}
        </button>
      )}
      {isStopping && <StopDialog onClose={() => setStopping(false)} />}
    </span>
  );
}
