// One feeder in the table. Drawn anew only when its row is another one.

import { kw, NOTHING, percent, perUnit, plain, when, withUnit } from "../../format";
import type { Row } from "../../live/overview";
import { elementName } from "../../parts/element_name";
import { Status } from "../../parts/status";
import { t } from "../../words";
import { at, AUTOMATIC, lastAt, likely, measured, requests, STATES, WARNINGS } from "./words";

export function FeederRow({ row, onOpen }: { row: Row; onOpen: (id: string) => void }) {
  return (
    <tr
      onClick={(event) => {
        if (!(event.target as HTMLElement).closest("a, button")) onOpen(row.id);
      }}
    >
      <td>
        <State row={row} />
      </td>
      <th scope="row">
        <a href={`#/feeders/${encodeURIComponent(row.id)}`}>{row.name}</a>
      </th>
      <td>
        <Loading row={row} />
      </td>
      <td class="figure">{voltages(row)}</td>
      <td>
        <Event row={row} />
      </td>
      <td>
        <Automatic row={row} />
      </td>
      <td>
        <Data row={row} />
      </td>
      <td>
        <Expected row={row} />
      </td>
      <td class="figure">{kw(row.free_kw, 0)}</td>
    </tr>
  );
}

function State({ row }: { row: Row }) {
  const { tone, name } = STATES[row.state];
  const why = row.warnings.map((warning) => t(WARNINGS[warning])).join(", ");
  if (row.state === "warning") return <Status tone={tone}>{why}</Status>;
  return <Status tone={tone}>{t(name)}</Status>;
}

function Loading({ row }: { row: Row }) {
  if (!row.highest) return <>{NOTHING}</>;
  const { element, loading_percent: loading, limit_percent: limit } = row.highest;
  const share = loading / Math.max(limit, 1e-9);
  const tone = share > 1 ? "bad" : share >= 0.9 ? "warn" : "normal";
  const bar = share > 1 ? "over" : share >= 0.9 ? "high" : "";
  return (
    <span class="loaded">
      <span class={`loaded-bar ${bar}`} aria-hidden="true">
        <span class="fill" style={{ inlineSize: `${Math.min(100, share * 75)}%` }} />
        <span class="limit" />
      </span>
      <Status tone={tone}>{percent(loading, limit)}</Status>
      <span class="muted small">
        {t(at(elementName(element)))}
        {limit !== 100 && ` (≤ ${percent(limit)})`}
      </span>
    </span>
  );
}

function voltages(row: Row): string {
  if (!row.lowest_voltage || !row.highest_voltage) return NOTHING;
  const text = `${plain(row.lowest_voltage.v_pu, 3)} – ${perUnit(row.highest_voltage.v_pu)}`;
  return row.voltage_violations ? `■ ${text}` : text;
}

function Event({ row }: { row: Row }) {
  const running = row.event;
  if (!running) return <span class="muted">{NOTHING}</span>;
  return (
    <span class="two-lines">
      <Status tone="warn">
        <a href={`#/events/${encodeURIComponent(running.event)}`}>{when(running.since, false)}</a>
      </Status>
      <span class="muted small">
        {t(requests(running.requests))} · −{kw(running.curtailed_kw, 0)}
      </span>
    </span>
  );
}

function Automatic({ row }: { row: Row }) {
  const { tone, name } = AUTOMATIC[row.automatic.state];
  const { who, why, since } = row.automatic;
  // why it is suspended stands beside the data
  const order = row.automatic.state === "suspended" ? [] : [who, why, since ? when(since, false) : null];
  const told = order.filter(Boolean).join(" · ");
  return (
    <span class="two-lines">
      <Status tone={tone}>{t(name)}</Status>
      {told && <span class="muted small clipped" title={told}>{told}</span>}
    </span>
  );
}

function Data({ row }: { row: Row }) {
  if (row.state === "no_data") {
    return <Status tone="warn">{row.last_at ? t(lastAt(when(row.last_at))) : t(STATES.no_data.name)}</Status>;
  }
  const share = row.data.measured_percent;
  const text = share === null ? NOTHING : t(measured(withUnit(share, "%")));
  return (
    <span class="two-lines">
      <Status tone={row.data.alarm ? "warn" : "normal"}>{text}</Status>
      {row.data.alarm && <span class="muted small clipped" title={row.data.alarm}>{row.data.alarm}</span>}
    </span>
  );
}

function Expected({ row }: { row: Row }) {
  const coming = row.expected;
  if (!coming) return <span class="muted">{NOTHING}</span>;
  const value = coming.kind.endsWith("voltage") ? perUnit(coming.value) : percent(coming.value, coming.limit);
  return (
    <span class="two-lines">
      <Status tone="warn">
        {when(coming.at, false)} · {value}
      </Status>
      <span class="muted small">
        {elementName(coming.element)} · {t(likely(withUnit(coming.probability * 100, "%")))}
      </span>
    </span>
  );
}
