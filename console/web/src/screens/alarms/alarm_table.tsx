// The table of active alarms: rows that the keyboard goes along; what a flood puts together is under its head.

import { ago, plain, siteNowMs, when } from "../../format";
import { may } from "../../session";
import { t, type Text } from "../../words";
import type { Alarm } from "./alarm_store";
import { mayHandle } from "./commands";
import { figureOf, nameOf, STATES, waits, words } from "./alarm_words";
import { PriorityMark } from "./priority_mark";

const own = {
  mark: (name: string): Text => ({ en: `Mark ${name}`, zh: `勾选 ${name}` }),
  marking: { en: "Marked", zh: "选择" },
  does: { en: "To do", zh: "操作" },
  unfold: (count: string): Text => ({ en: `${count} more of this`, zh: `另有 ${count} 条相关告警` }),
  fold: { en: "Put together", zh: "收起" },
  chattering: { en: "comes and goes", zh: "频繁抖动" },
  old: { en: "for more than a day", zh: "持续超过一天" },
  times: (count: string): Text => ({ en: `${count} times`, zh: `${count} 次` }),
  more: { en: "Show more", zh: "显示更多" },
};
const DAY_MS = 86_400_000;

interface TableProps {
  /** Those that are shown. */
  rows: readonly Alarm[];
  /** Head → how many are put under it. */
  under: ReadonlyMap<string, number>;
  unfolded: ReadonlySet<string>;
  onFold: (head: Alarm) => void;
  /** There are more. */
  onMore: (() => void) | undefined;
  marked: ReadonlySet<string>;
  onMark: (one: Alarm) => void;
  /** Something is being acknowledged: one after the other. */
  isBusy: boolean;
  onAcknowledge: (one: Alarm) => void;
  onShelve: (one: Alarm) => void;
  onOpen: (one: Alarm) => void;
}

export function AlarmTable(props: TableProps) {
  const { rows, under, unfolded } = props;
  return (
    <>
      <div class="table-frame">
        <table class="alarm-table">
          <caption class="unseen">{t(words.active)}</caption>
          <thead>
            <tr>
              {may("operate") && (
                <th scope="col">
                  <span class="unseen">{t(own.marking)}</span>
                </th>
              )}
              <th scope="col">{t(words.priority)}</th>
              <th scope="col">{t(words.state)}</th>
              <th scope="col">{t(words.alarm)}</th>
              <th scope="col">{t(words.feeder)}</th>
              <th scope="col" class="figure">
                {t(words.value)}
              </th>
              <th scope="col">{t(words.since)}</th>
              <th scope="col">
                <span class="unseen">{t(own.does)}</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {rows.map((one) => (
              <Row
                key={one.alarm}
                one={one}
                table={props}
                below={under.get(one.alarm) ?? 0}
                isUnfolded={unfolded.has(one.alarm)}
                onFold={() => props.onFold(one)}
              />
            ))}
          </tbody>
        </table>
      </div>
      {props.onMore && (
        <button type="button" onClick={props.onMore}>
          {t(own.more)}
        </button>
      )}
    </>
  );
}

interface RowProps {
  one: Alarm;
  table: TableProps;
  /** How many are put under it. */
  below: number;
  isUnfolded: boolean;
  onFold: () => void;
}

function Row({ one, table, below, isUnfolded, onFold }: RowProps) {
  const mayOperate = mayHandle(one);
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.target !== event.currentTarget || event.ctrlKey || event.metaKey || event.altKey) return;
    if (act(event, one, table, mayOperate)) event.preventDefault();
  };
  return (
    <tr
      tabIndex={0}
      class={`${waits(one) ? "waits" : ""} ${one.grouped_under ? "under" : ""}`}
      onKeyDown={onKeyDown}
      onClick={(event) => {
        if (!(event.target as HTMLElement).closest("button, a, input")) table.onOpen(one);
      }}
    >
      {may("operate") && (
        <td>
          {mayOperate && waits(one) && (
            <input
              type="checkbox"
              checked={table.marked.has(one.alarm)}
              aria-label={t(own.mark(nameOf(one)))}
              onChange={() => table.onMark(one)}
            />
          )}
        </td>
      )}
      <td>
        <PriorityMark priority={one.priority} />
      </td>
      <td>{t(STATES[one.state])}</td>
      <td>
        <span class="alarm-name">{nameOf(one)}</span>
        <Remarks one={one} />
        {below > 0 && (
          <button type="button" class="quiet small" aria-expanded={isUnfolded} onClick={onFold}>
            {isUnfolded ? t(own.fold) : t(own.unfold(plain(below)))}
          </button>
        )}
      </td>
      <td>{one.feeder ? <a href={`#/feeders/${encodeURIComponent(one.feeder)}`}>{one.feeder}</a> : t(words.site)}</td>
      <td class="figure">{figureOf(one)}</td>
      <td>
        {when(one.since)} <span class="muted small">{ago(one.since)}</span>
      </td>
      <td class="alarm-does">
        {mayOperate && waits(one) && (
          <button type="button" disabled={table.isBusy} onClick={() => table.onAcknowledge(one)}>
            {t(words.acknowledge)}
          </button>
        )}
        <button type="button" class="quiet" onClick={() => table.onOpen(one)}>
          {t(words.details)}
        </button>
      </td>
    </tr>
  );
}

function Remarks({ one }: { one: Alarm }) {
  const isOld = one.stands && siteNowMs.value - Date.parse(one.since) > DAY_MS;
  const said = [
    one.occurrence > 1 && t(own.times(plain(one.occurrence))),
    one.chattering && t(own.chattering),
    isOld && t(own.old),
  ].filter(Boolean);
  return said.length ? <span class="muted small"> {said.join(" · ")}</span> : null;
}

/** What a key does on a row; false where it means nothing here. */
function act(event: KeyboardEvent, one: Alarm, table: TableProps, mayOperate: boolean): boolean {
  const row = event.currentTarget as HTMLElement;
  switch (event.key) {
    case "ArrowDown":
      (row.nextElementSibling as HTMLElement | null)?.focus();
      return true;
    case "ArrowUp":
      (row.previousElementSibling as HTMLElement | null)?.focus();
      return true;
    case "Enter":
      table.onOpen(one);
      return true;
    case "a":
    case "A":
      if (mayOperate) table.onAcknowledge(one);
      return true;
    case "s":
    case "S":
      if (mayOperate && one.priority !== "critical") table.onShelve(one);
      return true;
    case " ":
      if (mayOperate && waits(one)) table.onMark(one);
      return true;
    default:
      return false;
  }
}
