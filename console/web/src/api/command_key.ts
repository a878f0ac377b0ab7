// One command, however often somebody presses the button: the same key until the controller has answered for good,
// so that what was done and not heard of is not done again; and buttons that wait while it is under way.

import { useRef, useState } from "preact/hooks";
import { siteNowMs } from "../format";
import { Problem } from "./problem";

/** No interface: it has to pass for a record of any headers. */
export type KeyHeader = { "idempotency-key": string };
interface Ended<Answer> {
  done: (answer: Answer) => void;
  failed: (error: unknown) => void;
}
export interface Command {
  readonly isBusy: boolean;
  /**
   * Send what is asked for; asked for differently (`asked`) it is another command. `sendIt` gets the key, and when
   * it was pressed first by the site's clock: sent again it has to be the same to the letter. A second press while
   * it is under way is nothing.
   */
  readonly send: <Answer>(
    asked: unknown,
    sendIt: (headers: KeyHeader, pressedMs: number) => Promise<Answer>,
    ended: Ended<Answer>,
  ) => void;
}

interface Pressed {
  readonly asked: string;
  readonly key: string;
  readonly atMs: number;
}

/** For one dialog or form. */
export function useCommandKey(): Command {
  const [isBusy, setBusy] = useState(false);
  const underWay = useRef(false);
  const pressed = useRef<Pressed | null>(null);
  const over = (isAnswered: boolean): void => {
    underWay.current = false;
    if (isAnswered) pressed.current = null;
    setBusy(false);
  };
  const send: Command["send"] = (asked, sendIt, { done, failed }) => {
    if (underWay.current) return;
    underWay.current = true;
    setBusy(true);
    const text = JSON.stringify(asked);
    if (pressed.current?.asked !== text) {
      pressed.current = { asked: text, key: crypto.randomUUID(), atMs: siteNowMs.value };
    }
    const { key, atMs } = pressed.current;
    sendIt({ "idempotency-key": key }, atMs).then(
      (answer) => {
        over(true);
        done(answer);
      },
      (error: unknown) => {
        over(!isOpen(error));
        failed(error);
      },
    );
  };
  return { isBusy, send };
}

/** Whether it may have been done all the same, or still be. */
const isOpen = (error: unknown): boolean =>
  !(error instanceof Problem) || error.status === 0 || error.status >= 500 || error.code === "still_runs";
