// Notes of a shift: written, pinned for the next ones, marked as done. What was written stays as it was.

import { useState } from "preact/hooks";
import { body, client } from "../../api/client";
import { useCommandKey, type KeyHeader } from "../../api/command_key";
import { problemText } from "../../api/problem";
import { announce } from "../../parts/announce";
import { Field } from "../../parts/field";
import { Empty } from "../../parts/states";
import { Status } from "../../parts/status";
import { may, who } from "../../session";
import { t, type Text } from "../../words";
import { useFeederIds } from "../customers/customer_words";
import { At } from "./at";
import { words, type Note } from "./handover_words";

const own = {
  write: { en: "New note", zh: "新记录" },
  hint: { en: "No names or addresses of customers: it stays for ever.", zh: "请勿填写用户姓名或地址，记录将永久保存。" },
  about: { en: "About feeder", zh: "相关馈线" },
  noFeeder: { en: "no one feeder", zh: "不限馈线" },
  pin: { en: "Pin: goes on into the next shifts", zh: "置顶：延续到后续班次" },
  add: { en: "Write down", zh: "记录" },
  empty: { en: "Please write something.", zh: "请填写内容。" },
  written: { en: "Written down.", zh: "已记录。" },
  pinned: { en: "pinned", zh: "置顶" },
  done: { en: "done", zh: "已办结" },
  ofShift: (shift: number): Text => ({ en: `from shift ${shift}`, zh: `来自第 ${shift} 班` }),
  toPin: { en: "Pin", zh: "置顶" },
  toUnpin: { en: "Unpin", zh: "取消置顶" },
  toDone: { en: "Done", zh: "办结" },
  toReopen: { en: "Open again", zh: "重新打开" },
  note: (number: number): Text => ({ en: `note ${number}`, zh: `记录 ${number}` }),
};
const LONGEST = 2_000;
type Mark = "pinned" | "unpinned" | "done" | "reopened";

export function NoteForm({ onWritten }: { onWritten: () => void }) {
  const [text, setText] = useState("");
  const [feeder, setFeeder] = useState("");
  const [isPinned, setPinned] = useState(false);
  const [fault, setFault] = useState<string | null>(null);
  const { isBusy, send } = useCommandKey();
  const feeders = useFeederIds().filter((id) => may("operate", id));
  const write = (event: Event): void => {
    event.preventDefault();
    if (!text.trim()) {
      setFault(t(own.empty));
      return;
    }
    const note = { text: text.trim(), pinned: isPinned, ...(feeder ? { feeder } : {}) };
    send(note, (headers) => body(client.POST("/api/v1/shift/notes", { body: note, headers })), {
      done: () => {
        setText("");
        setPinned(false);
        setFault(null);
        announce(t(own.written));
        onWritten();
      },
      failed: (error) => setFault(problemText(error)),
    });
  };
  return (
    <form class="form note-form" onSubmit={write} noValidate>
      <Field label={own.write} hint={own.hint} fault={fault}>
        {(tie) => <textarea {...tie} rows={2} maxLength={LONGEST} value={text} onInput={(event) => setText(event.currentTarget.value)} />}
      </Field>
      <div class="row">
        {feeders.length > 0 && (
          <label class="row">
            {t(own.about)}
            <select value={feeder} onChange={(event) => setFeeder(event.currentTarget.value)}>
              <option value="">{t(own.noFeeder)}</option>
              {feeders.map((id) => (
                <option key={id} value={id}>
                  {id}
                </option>
              ))}
            </select>
          </label>
        )}
        <label class="row">
          <input type="checkbox" checked={isPinned} onChange={(event) => setPinned(event.currentTarget.checked)} />
          {t(own.pin)}
        </label>
        <button type="submit" class="primary" disabled={isBusy}>
          {t(own.add)}
        </button>
      </div>
    </form>
  );
}

interface NotesProps {
  notes: readonly Note[];
  /** The present shift: older notes say where they come from. */
  shift: number;
  /** Told when a mark changed; without it nothing can be. */
  onMarked?: () => void;
}

/** Pinned ones first, those that are done last, else as they were written. */
const place = (note: Note): number => (note.done ? 2 : note.pinned ? 0 : 1);

/** A note of no one feeder takes somebody for all of them. */
const mayMark = (note: Note): boolean =>
  note.feeder === null ? may("operate") && who.value?.feeders === null : may("operate", note.feeder);

export function Notes({ notes, shift, onMarked }: NotesProps) {
  const [fault, setFault] = useState("");
  const { isBusy, send } = useCommandKey();
  if (notes.length === 0) return <Empty>{t(words.noNotes)}</Empty>;
  const mark = (note: Note, how: Mark): void => {
    const params = { path: { note: note.note } };
    const marked = (headers: KeyHeader) =>
      body(client.POST("/api/v1/shift/notes/{note}/mark", { params, body: { mark: how }, headers }));
    send([note.note, how], marked, {
      done: () => {
        setFault("");
        onMarked?.();
      },
      failed: (error) => setFault(problemText(error)),
    });
  };
  const shown = [...notes].sort((a, b) => place(a) - place(b) || b.note - a.note);
  return (
    <>
      {fault && (
        <p class="fault" role="alert">
          {fault}
        </p>
      )}
      <ol class="notes">
        {shown.map((note) => (
          <li key={note.note} class={note.done ? "done" : undefined}>
            <p class="note-head">
              <span class="muted">
                <At at={note.at} /> · {note.who}
                {note.feeder && ` · ${note.feeder}`}
                {note.shift !== shift && ` · ${t(own.ofShift(note.shift))}`}
              </span>
              {note.pinned && !note.done && <Status tone="info">{t(own.pinned)}</Status>}
              {note.done && <Status tone="good">{t(own.done)}</Status>}
              {onMarked && mayMark(note) && <Marks note={note} isBusy={isBusy} onMark={(how) => mark(note, how)} />}
            </p>
            <p class="note-text">{note.text}</p>
          </li>
        ))}
      </ol>
    </>
  );
}

function Marks({ note, isBusy, onMark }: { note: Note; isBusy: boolean; onMark: (how: Mark) => void }) {
  const button = (how: Mark, name: Text) => (
    <button type="button" class="quiet" disabled={isBusy} aria-label={`${t(name)}: ${t(own.note(note.note))}`} onClick={() => onMark(how)}>
      {t(name)}
    </button>
  );
  return (
    <span class="note-marks">
      {!note.done && (note.pinned ? button("unpinned", own.toUnpin) : button("pinned", own.toPin))}
      {note.done ? button("reopened", own.toReopen) : button("done", own.toDone)}
    </span>
  );
}
