// The emergency stop: which feeders, how, and why. For the whole site a word must be typed.

import { useState } from "preact/hooks";
import { useCommandKey } from "../../api/command_key";
import { problemText } from "../../api/problem";
import { rows } from "../../live/overview";
import { announce } from "../../parts/announce";
import { Dialog } from "../../parts/dialog";
import { Choice, Field } from "../../parts/field";
import { may, who } from "../../session";
import { t, type Text } from "../../words";
import { stopAll, type Manner, type Stop } from "./order_api";
import { refreshOrders } from "./order_store";

const words = {
  title: { en: "Emergency stop", zh: "紧急停止" },
  told: {
    en: "The automatic goes off, and everybody is released. It stays so until the automatic is put on again, feeder by feeder.",
    zh: "自动控制退出，全部用户释放。须逐条馈线重新投入自动后方可恢复。",
  },
  scope: { en: "Where", zh: "范围" },
  site: { en: "The whole site", zh: "全站" },
  some: { en: "Some feeders", zh: "部分馈线" },
  feeders: { en: "Feeders", zh: "馈线" },
  manner: { en: "How", zh: "方式" },
  staggered: { en: "One after another", zh: "分批释放" },
  staggeredTold: {
    en: "By load flow, at the usual pace; those for whom there is no room follow within minutes.",
    zh: "按潮流校验、以正常速率分批释放；暂无裕度者在数分钟内随后释放。",
  },
  atOnce: { en: "At once", zh: "立即全部" },
  atOnceTold: {
    en: "All in this moment: the load comes back at once, and may overload what was relieved.",
    zh: "立即全部释放：负荷将同时恢复，可能再次造成过载。",
  },
  why: { en: "Reason", zh: "原因" },
  type: (word: string): Text => ({ en: `Type ${word} to confirm`, zh: `输入 ${word} 以确认` }),
  cancel: { en: "Cancel", zh: "取消" },
  stop: { en: "Stop now", zh: "立即停止" },
  whyNeeded: { en: "Please say why.", zh: "请填写原因。" },
  wordNeeded: (word: string): Text => ({ en: `Please type ${word}.`, zh: `请输入 ${word}。` }),
  feederNeeded: { en: "Please choose a feeder.", zh: "请选择馈线。" },
  done: { en: "Stopped.", zh: "已停止。" },
  notDurable: {
    en: "Stopped. The journal cannot be written: the stop holds, and is noted as soon as it can be. If the controller is started again before, stop again.",
    zh: "已停止。日志暂时无法写入：停止已生效，恢复后将补记。若在此之前控制器重新启动，请再次停止。",
  },
  close: { en: "Close", zh: "关闭" },
};
/** The same in both languages: whoever is in a hurry types what stands on the button's sign. */
const WORD = "STOP";
const LONGEST_REASON = 200;
const MANNERS = [
  { value: "staggered", name: words.staggered },
  { value: "at_once", name: words.atOnce },
] as const;
const SCOPES = [
  { value: "site", name: words.site },
  { value: "feeders", name: words.some },
] as const;
type Scope = (typeof SCOPES)[number]["value"];

export function StopDialog({ onClose }: { onClose: () => void }) {
  const streamed = rows.value.filter((row) => may("operate", row.id)).map((row) => row.id);
  const known = who.value?.feeders ?? streamed; // theirs are known also where the stream is not
  const isOfAll = who.value?.feeders === null;
  const [scope, setScope] = useState<Scope>(isOfAll ? "site" : "feeders");
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set(known.length === 1 ? known : []));
  const [manner, setManner] = useState<Manner>("staggered");
  const [why, setWhy] = useState("");
  const [typed, setTyped] = useState("");
  const [fault, setFault] = useState<string | null>(null);
  const { isBusy, send } = useCommandKey();
  const [isUnwritten, setUnwritten] = useState(false);
  const done = (stop: Stop): void => {
    announce(t(stop.durable ? words.done : words.notDurable));
    refreshOrders();
    if (stop.durable) onClose();
    else setUnwritten(true);
  };
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    const lacking = lackingIn(scope, chosen, why, typed);
    setFault(lacking ? t(lacking) : null);
    if (lacking) return;
    const stop = { feeders: scope === "site" ? null : [...chosen], manner, why: why.trim() };
    send(stop, (headers) => stopAll(stop, headers), { done, failed: (error) => setFault(problemText(error)) });
  };
  if (isUnwritten) {
    return (
      <Dialog title={words.title} onClose={onClose} class="stop-dialog">
        <p class="note warn">{t(words.notDurable)}</p>
        <div class="row end">
          <button type="button" class="primary" onClick={onClose}>
            {t(words.close)}
          </button>
        </div>
      </Dialog>
    );
  }
  return (
    <Dialog title={words.title} onClose={onClose} class="stop-dialog">
      <form class="form" noValidate onSubmit={submit}>
        <p>{t(words.told)}</p>
        {isOfAll && <Choice label={words.scope} value={scope} options={SCOPES} onChange={setScope} />}
        {scope === "feeders" && <Feeders known={known} chosen={chosen} onChoose={setChosen} />}
        <Choice label={words.manner} value={manner} options={MANNERS} onChange={setManner} />
        <p class="muted">{t(manner === "at_once" ? words.atOnceTold : words.staggeredTold)}</p>
        <Field label={words.why}>
          {(tie) => (
            <input {...tie} required maxLength={LONGEST_REASON} value={why} onInput={(event) => setWhy(event.currentTarget.value)} />
          )}
        </Field>
        {scope === "site" && (
          <Field label={words.type(WORD)}>
            {(tie) => (
              <input {...tie} required autocomplete="off" value={typed} onInput={(event) => setTyped(event.currentTarget.value)} />
            )}
          </Field>
        )}
        {fault !== null && (
          <p class="fault" role="alert">
            {fault}
          </p>
        )}
        <div class="row end">
          <button type="button" onClick={onClose}>
            {t(words.cancel)}
          </button>
          <button type="submit" class="danger" disabled={isBusy}>
            {t(words.stop)}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

function lackingIn(scope: Scope, chosen: ReadonlySet<string>, why: string, typed: string): Text | null {
  if (scope === "feeders" && chosen.size === 0) return words.feederNeeded;
  if (!why.trim()) return words.whyNeeded;
  if (scope === "site" && typed.trim().toUpperCase() !== WORD) return words.wordNeeded(WORD);
  return null;
}

interface FeedersProps {
  known: readonly string[];
  chosen: ReadonlySet<string>;
  onChoose: (chosen: ReadonlySet<string>) => void;
}

function Feeders({ known, chosen, onChoose }: FeedersProps) {
  const turn = (feeder: string): void => {
    const next = new Set(chosen);
    if (!next.delete(feeder)) next.add(feeder);
    onChoose(next);
  };
  return (
    <fieldset class="options stop-feeders">
      <legend>{t(words.feeders)}</legend>
      {known.map((feeder) => (
        <label key={feeder} class="row">
          <input type="checkbox" checked={chosen.has(feeder)} onChange={() => turn(feeder)} />
          {feeder}
        </label>
      ))}
    </fieldset>
  );
}
