import { useMemo, useState } from "preact/hooks";
import type uPlot from "uplot";
import { body, client } from "../../api/client";
import { useResource } from "../../api/resource";
import { kwh, percent, when } from "../../format";
import { CommandDialog } from "../../parts/command_dialog";
import { Field } from "../../parts/field";
import { Panel } from "../../parts/page";
import { Known } from "../../parts/states";
import { Tile, Tiles } from "../../parts/status";
import { Trend, type Line } from "../../parts/trend";
import { may } from "../../session";
import { t, verbatim } from "../../words";
import { amount } from "./amounts";
import { words } from "./words";

type Told = Awaited<ReturnType<typeof fetchSettlement>>;
type Reason = keyof typeof words.reasons;
const LINES: readonly Line[] = [
  { name: words.asked, colour: "--muted", isStepped: true, dash: [6, 3] },
  { name: words.proven, colour: "--control", isStepped: true, isFilled: true, width: 2 },
];

function fetchSettlement(request: string, signal: AbortSignal) {
  const params = { path: { request_id: request } };
  return body(client.GET("/api/v1/requests/{request_id}/settlement", { params, signal }));
}

export function Settlement({ request }: { request: string }) {
  const told = useResource((signal) => fetchSettlement(request, signal), [request]);
  const [isDisputing, setDisputing] = useState(false);
  return (
    <Panel
      title={verbatim(request)}
      tools={
        may("disputes") &&
        told.data && (
          <button type="button" onClick={() => setDisputing(true)}>
            {t(words.openDispute)}
          </button>
        )
      }
    >
      <Known of={told}>{(known) => <Detail told={known} />}</Known>
      {isDisputing && (
        <DisputeDialog
          request={request}
          onClose={() => {
            setDisputing(false);
            told.reload();
          }}
        />
      )}
    </Panel>
  );
}

function Detail({ told }: { told: Told }) {
  const data = useMemo(() => columns(told), [told]);
  const { baseline } = told;
  const method = baseline && baseline.method !== "live meter" ? baseline.method : t(words.liveMeter);
  return (
    <>
      <Tiles>
        <Tile label={t(words.customer)} value={told.customer} note={told.feeder} />
        <Tile label={t(words.settledAt)} value={when(told.settled_at)} note={told.programme ?? ""} />
        <Tile label={t(words.asked)} value={kwh(told.asked_kwh, 2)} />
        <Tile label={t(words.proven)} value={kwh(told.reduced_kwh, 2)} note={percent(told.compliance_percent)} />
        <Tile label={t(words.pointsHead)} value={amount(told.points, "points")} note={t(words.outcomes[told.outcome])} />
        <Tile label={t(words.money)} value={amount(told.minor_units, told.currency)} />
      </Tiles>
      <p>
        <strong>{t(words.baseline)}:</strong> {t(words.baselineText(method))} {baseline?.adjustment} {baseline?.reasons?.join("; ")}
      </p>
      <Trend
        summary={t(words.chart(kwh(told.asked_kwh, 2), kwh(told.reduced_kwh, 2)))}
        unit="Wh"
        lines={LINES}
        data={data}
        range={[0, 0]}
      />
      {told.by_interval.some((one) => !one.proven) && <p class="muted">{t(words.unproven)}</p>}
      <History told={told} />
    </>
  );
}

/** The last interval is drawn to its end. */
function columns(told: Told): uPlot.AlignedData {
  const times = told.by_interval.map((one) => new Date(one.start).getTime() / 1000);
  const asked = told.by_interval.map((one) => one.asked_wh);
  const proven = told.by_interval.map((one) => (one.proven ? one.reduced_wh : null));
  const last = told.by_interval.at(-1);
  if (last) {
    times.push((times.at(-1) as number) + Math.max(last.active_s, 1));
    asked.push(last.asked_wh);
    proven.push(last.proven ? last.reduced_wh : null);
  }
  return [times, asked, proven];
}

function History({ told }: { told: Told }) {
  if (!told.corrections.length && !told.disputes.length) return null;
  const steps = [
    ...told.corrections.map((one) => ({ at: one.at, text: `${t(words.causes[one.cause])}: ${kwh(one.reduced_kwh_before, 2)} → ${kwh(one.reduced_kwh, 2)}` })),
    ...told.disputes.map((one) => ({
      at: one.at,
      text: "reason" in one ? `${one.dispute}: ${t(words.reasons[one.reason])} (${one.who})` : `${one.dispute}: ${t(words.decided[one.outcome])}, ${one.why} (${one.who})`,
    })),
  ].sort((a, b) => a.at.localeCompare(b.at));
  return (
    <ol>
      {steps.map((step) => (
        <li key={step.at + step.text}>
          <span class="muted">{when(step.at)}</span> {step.text}
        </li>
      ))}
    </ol>
  );
}

function DisputeDialog({ request, onClose }: { request: string; onClose: () => void }) {
  const [reason, setReason] = useState<Reason>("readings_missing");
  return (
    <CommandDialog
      title={words.openDispute}
      confirm={words.openDispute}
      asked={reason}
      sendIt={(headers) => client.POST("/api/v1/disputes", { body: { request, reason }, headers })}
      onClose={onClose}
    >
      {(fault) => (
        <Field label={words.reason} fault={fault}>
          {(tie) => (
            <select {...tie} value={reason} onChange={(event) => setReason(event.currentTarget.value as Reason)}>
              {(Object.keys(words.reasons) as Reason[]).map((one) => (
                <option key={one} value={one}>
                  {t(words.reasons[one])}
                </option>
              ))}
            </select>
          )}
        </Field>
      )}
    </CommandDialog>
  );
}
