// A dialog whose form sends one command: buttons that wait while it is under way, one key however often it is
// pressed, and what the controller says against it.

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { useCommandKey, type KeyHeader } from "../api/command_key";
import { problemText } from "../api/problem";
import { t, type Text } from "../words";
import { announce } from "./announce";
import { Dialog } from "./dialog";

const words = {
  cancel: { en: "Cancel", zh: "取消" },
  done: { en: "Done.", zh: "已完成。" },
};

interface CommandDialogProps {
  title: Text;
  /** On the button that sends it. */
  confirm: Text;
  /** What is asked for: something else is another command. */
  asked: unknown;
  sendIt: (headers: KeyHeader, pressedMs: number) => Promise<unknown>;
  /** False: the form is not filled in as it must be, and nothing is sent. */
  isReady?: boolean;
  onClose: () => void;
  /** The fields; what the controller said against it is to be shown at the last of them. */
  children: (fault: string | null) => ComponentChildren;
}

/** Closes by itself once it is done. */
export function CommandDialog({ title, confirm, asked, sendIt, isReady = true, onClose, children }: CommandDialogProps) {
  const [fault, setFault] = useState<string | null>(null);
  const { isBusy, send } = useCommandKey();
  const done = (): void => {
    announce(t(words.done));
    onClose();
  };
  const failed = (error: unknown): void => setFault(problemText(error));
  return (
    <Dialog title={title} onClose={onClose}>
      <form
        class="form"
        onSubmit={(event) => {
          event.preventDefault();
          if (isReady) send(asked, sendIt, { done, failed });
        }}
      >
        {children(fault)}
        <div class="row end">
          <button type="button" onClick={onClose}>
            {t(words.cancel)}
          </button>
          <button type="submit" class="primary" disabled={isBusy}>
            {t(confirm)}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
