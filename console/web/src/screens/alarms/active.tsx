// What waits and what stands: by priority, those unseen first; acknowledged by keyboard, one by one or those marked.

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { body, client } from "../../api/client";
import { problemText } from "../../api/problem";
import { useResource } from "../../api/resource";
import { plain, when } from "../../format";
import { announce } from "../../parts/announce";
import { Choice } from "../../parts/field";
import { Panel } from "../../parts/page";
import { Known } from "../../parts/states";
import { may } from "../../session";
import { t, type Text } from "../../words";
import { alarmsVersion, type Alarm } from "./alarm_store";
import { AlarmTable } from "./alarm_table";
import { arranged } from "./arranged";
import { waits, words } from "./alarm_words";
import { acknowledge, MOST_AT_ONCE, type Outcome } from "./commands";
import { AlarmDetails } from "./details";
import { PRIORITIES, PRIORITY_SIGNS, type Priority } from "./kind_names";
import { ShelveDialog } from "./shelve_dialog";

const own = {
  none: { en: "Nothing needs you.", zh: "当前没有告警。" },
  noneOfThese: { en: "None of this priority.", zh: "无此优先级的告警。" },
  flood: (count: number, grouped: number): Text => ({
    en: `Alarm flood: ${count} in ten minutes. ${grouped} of low or medium priority are put under what explains them.`,
    zh: `告警泛滥：十分钟内 ${count} 条。其中 ${grouped} 条中、低优先级告警已归并到其起因之下。`,
  }),
  since: (at: string): Text => ({ en: `Since ${at}.`, zh: `始于 ${at}。` }),
  marked: (count: string): Text => ({ en: `Acknowledge the ${count} marked`, zh: `确认所选 ${count} 条` }),
  mark: { en: "Mark all that wait in this list", zh: "勾选列表中全部未确认告警" },
  unmark: { en: "Unmark", zh: "取消勾选" },
  done: (count: string): Text => ({ en: `${count} acknowledged.`, zh: `已确认 ${count} 条。` }),
  left: (count: string): Text => ({
    en: `${count} were not: raised again since, or not yours.`,
    zh: `${count} 条未确认：已再次触发，或不在您的权限内。`,
  }),
  keys: {
    en: "↑ ↓ go along the list, A acknowledges, S shelves, Space marks, Enter shows the details.",
    zh: "↑ ↓ 移动，A 确认，S 搁置，空格勾选，回车查看详情。",
  },
};
const COVERED = new Set(["shelved", "suppressed", "out_of_service"]);
const POLL_MS = 30_000;

interface ActiveProps {
  priority?: Priority | null;
  /** Whose details are open. */
  alarm?: string;
}

export function ActiveAlarms({ priority = null, alarm }: ActiveProps) {
  const list = useResource((signal) => body(client.GET("/api/v1/alarms", { signal })), [], POLL_MS);
  useEffect(list.reload, [alarmsVersion.value]);
  const [shownPriority, setPriority] = useState<Priority | "all">(priority ?? "all");
  const flood = list.data?.summary.flood;
  return (
    <Panel title={words.active} tools={<PriorityChoice value={shownPriority} onChange={setPriority} />}>
      {flood?.active && (
        <p class="note bad" role="status">
          <span aria-hidden="true">≋</span> {t(own.flood(flood.in_ten_minutes, flood.grouped))}
          {flood.since && ` ${t(own.since(when(flood.since)))}`}
        </p>
      )}
      <Known of={list} none={own.none} isEmpty={(found) => found.items.every((one) => COVERED.has(one.state))}>
        {(found) => (
          <Listed
            alarms={found.items.filter((one) => !COVERED.has(one.state))}
            priority={shownPriority}
            {...(alarm ? { opened: alarm } : {})}
          />
        )}
      </Known>
    </Panel>
  );
}

function PriorityChoice({ value, onChange }: { value: Priority | "all"; onChange: (value: Priority | "all") => void }) {
  const options = [
    { value: "all" as const, name: words.all },
    ...PRIORITIES.map((one) => ({ value: one, name: PRIORITY_SIGNS[one].name })),
  ];
  return <Choice label={words.priority} value={value} options={options} onChange={onChange} />;
}

interface ListedProps {
  alarms: readonly Alarm[];
  priority: Priority | "all";
  opened?: string;
}

function Listed({ alarms, priority, opened }: ListedProps) {
  const [marked, setMarked] = useState<ReadonlySet<string>>(new Set());
  const [detailsOf, setDetailsOf] = useState<string | null>(opened ?? null);
  const [shelving, setShelving] = useState<string | null>(null);
  const [told, setTold] = useState("");
  const busy = useRef(false);
  const shown = useMemo(() => alarms.filter((one) => priority === "all" || one.priority === priority), [alarms, priority]);
  const byId = useMemo(() => new Map(alarms.map((one) => [one.alarm, one])), [alarms]);
  const [unfolded, setUnfolded] = useState<ReadonlySet<string>>(new Set());
  const { rows, under } = useMemo(() => arranged(shown, unfolded), [shown, unfolded]);
  const chosen = rows.filter((one) => marked.has(one.alarm) && waits(one)); // nobody acknowledges what is folded away

  const seen = (some: readonly Alarm[]): void => {
    const waiting = some.filter((one) => waits(one) && may("operate", one.feeder ?? undefined));
    if (!waiting.length || busy.current) return;
    busy.current = true;
    acknowledge(waiting)
      .then(
        (outcome) => {
          setTold(sayOutcome(outcome));
          setMarked(new Set());
        },
        (error: unknown) => setTold(problemText(error)),
      )
      .finally(() => {
        busy.current = false;
      });
  };
  useEffect(() => {
    if (told) announce(told);
  }, [told]);
  const details = detailsOf ? byId.get(detailsOf) : undefined;
  const toShelve = shelving ? byId.get(shelving) : undefined;
  return (
    <>
      {may("operate") && (
        <div class="row">
          <button type="button" class="primary" disabled={!chosen.length} onClick={() => seen(chosen)}>
            {t(own.marked(plain(chosen.length)))}
          </button>
          <button type="button" onClick={() => setMarked(new Set(rows.filter(waits).slice(0, MOST_AT_ONCE).map((one) => one.alarm)))}>
            {t(own.mark)}
          </button>
          {marked.size > 0 && (
            <button type="button" class="quiet" onClick={() => setMarked(new Set())}>
              {t(own.unmark)}
            </button>
          )}
          <span class="muted small">{told}</span>
        </div>
      )}
      {shown.length === 0 ? (
        <p class="empty">{t(own.noneOfThese)}</p>
      ) : (
        <AlarmTable
          rows={rows}
          under={under}
          unfolded={unfolded}
          onFold={(one) => setUnfolded(turned(unfolded, one.alarm))}
          marked={marked}
          onMark={(one) => setMarked(turned(marked, one.alarm))}
          onAcknowledge={(one) => seen([one])}
          onShelve={(one) => setShelving(one.alarm)}
          onOpen={(one) => setDetailsOf(one.alarm)}
        />
      )}
      {may("operate") && shown.length > 0 && <p class="muted small">{t(own.keys)}</p>}
      {details && (
        <AlarmDetails
          one={details}
          cause={details.cause ? byId.get(details.cause) : undefined}
          onClose={() => setDetailsOf(null)}
          onAcknowledge={() => seen([details])}
          onShelve={() => {
            setDetailsOf(null);
            setShelving(details.alarm);
          }}
        />
      )}
      {toShelve && <ShelveDialog one={toShelve} onClose={() => setShelving(null)} />}
    </>
  );
}

function turned(marked: ReadonlySet<string>, alarm: string): ReadonlySet<string> {
  const next = new Set(marked);
  if (!next.delete(alarm)) next.add(alarm);
  return next;
}

function sayOutcome({ done, left }: Outcome): string {
  const said = [t(own.done(plain(done)))];
  if (left) said.push(t(own.left(plain(left))));
  return said.join(" ");
}
