// One command, however often somebody presses the button: the same key while the same thing is asked, so that the
// controller does it once; and buttons that wait while it is under way.

import { useRef, useState } from "preact/hooks";

export interface Command {
  readonly isBusy: boolean;
  /** Send it; whatever is asked for differently (`asked`) is another command. A second press meanwhile is nothing. */
  readonly send: (asked: unknown, sendIt: (headers: { "idempotency-key": string }) => Promise<void>) => Promise<void>;
}

/** For one dialog or form. Errors of `sendIt` are its own to show. */
export function useCommandKey(): Command {
  const [isBusy, setBusy] = useState(false);
  const underWay = useRef(false);
  const known = useRef({ asked: "", key: "" });
  const send: Command["send"] = async (asked, sendIt) => {
    if (underWay.current) return;
    const text = JSON.stringify(asked);
    if (known.current.asked !== text) known.current = { asked: text, key: crypto.randomUUID() };
    underWay.current = true;
    setBusy(true);
    try {
      await sendIt({ "idempotency-key": known.current.key });
    } finally {
      underWay.current = false;
      setBusy(false);
    }
  };
  return { isBusy, send };
}
