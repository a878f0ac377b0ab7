// All that is known of the element that somebody picked, and who is there.

import type { ComponentChildren } from "preact";
import { boundKw, kw, perUnit, percent, plain, withUnit } from "../../format";
import { behindBuses, endsOf, nameOf, placesOf, type Layout, type Part } from "../../parts/network/layout";
import { loadingTone, voltageTone, type ToneNumber } from "../../parts/network/tones";
import { Panel } from "../../parts/page";
import { Empty } from "../../parts/states";
import { Status } from "../../parts/status";
import { may } from "../../session";
import { t, verbatim, type Text } from "../../words";
import { deviceText, QUALITIES, REQUEST_STATES, TONES } from "./feeder_words";
import type { LiveFeeder } from "./live_feeder";

const words = {
  title: { en: "Element", zh: "元件详情" },
  pick: { en: "Pick an element in the drawing or in a list.", zh: "请在图形或列表中选择元件。" },
  loading: { en: "Loading", zh: "负载率" },
  voltage: { en: "Voltage", zh: "电压" },
  limit: { en: "Limit", zh: "限值" },
  nominal: { en: "Nominal", zh: "额定电压" },
  length: { en: "Length", zh: "长度" },
  type: { en: "Type", zh: "型号" },
  rated: { en: "Rated power", zh: "额定容量" },
  between: { en: "Between", zh: "两端" },
  position: { en: "Position", zh: "位置状态" },
  closed: { en: "closed", zh: "闭合" },
  open: { en: "open or out of service", zh: "断开或停运" },
  behind: { en: "Data behind it", zh: "下游数据" },
  measuredOf: (measured: number, all: number): Text => ({
    en: `${measured} of ${all} service points measured`,
    zh: `${all} 个供电点中 ${measured} 个为实测`,
  }),
  critical: { en: "critical: never limited", zh: "重要用户：不限功率" },
  protected: { en: "never limited", zh: "不限功率" },
  choose: (name: string): Text => ({ en: `Choose ${name} for an order`, zh: `将 ${name} 选入指令` }),
  floor: (floor: string): Text => ({ en: `never below ${floor}`, zh: `不低于 ${floor}` }),
  unmetered: { en: "no meter", zh: "无电表" },
};

interface DetailsProps {
  layout: Layout;
  live: LiveFeeder | null;
  selected: string | null;
  chosen: ReadonlySet<number>;
  onChoose: (point: number, isChosen: boolean) => void;
}

export function Details({ layout, live, selected, chosen, onChoose }: DetailsProps) {
  const part = selected === null ? undefined : placesOf(layout).parts.get(selected);
  if (!part) {
    return (
      <Panel title={words.title}>
        <Empty>{t(words.pick)}</Empty>
      </Panel>
    );
  }
  return (
    <Panel title={verbatim(nameOf(layout, part.id))} class="details">
      <p class="muted small">{part.id}</p>
      <dl class="facts">
        {part.kind === "bus" ? <BusFacts layout={layout} live={live} bus={part.place} /> : <BranchFacts layout={layout} live={live} part={part} />}
      </dl>
      {part.kind === "bus" &&
        (placesOf(layout).pointsAt[part.place] ?? []).map((point) => (
          <ServicePoint
            key={point}
            layout={layout}
            live={live}
            point={point}
            isChosen={chosen.has(point)}
            onChoose={(isChosen) => onChoose(point, isChosen)}
          />
        ))}
    </Panel>
  );
}

function Fact({ name, children }: { name: Text; children: ComponentChildren }) {
  return (
    <div>
      <dt>{t(name)}</dt>
      <dd>{children}</dd>
    </div>
  );
}

const Toned = ({ tone, value }: { tone: ToneNumber; value: string }) => (
  <Status tone={TONES[tone].tone}>
    {value} ({t(TONES[tone].text)})
  </Status>
);

function BusFacts({ layout, live, bus }: { layout: Layout; live: LiveFeeder | null; bus: number }) {
  const { buses } = layout;
  const [v, low, high] = [live?.figures.v[bus], buses.min_v_pu[bus], buses.max_v_pu[bus]];
  return (
    <>
      <Fact name={words.voltage}>
        <Toned tone={voltageTone(v, low, high)} value={perUnit(v)} />
      </Fact>
      <Fact name={words.limit}>
        {plain(low, 2)}–{perUnit(high)}
      </Fact>
      <Fact name={words.nominal}>{withUnit(buses.vn_kv[bus], "kV", 1)}</Fact>
      <Behind layout={layout} live={live} bus={bus} />
    </>
  );
}

function BranchFacts({ layout, live, part }: { layout: Layout; live: LiveFeeder | null; part: Part }) {
  if (part.kind === "bus") return null;
  const { kind, place } = part;
  const [near, far] = endsOf(layout, kind, place);
  const table = kind === "line" ? layout.lines : kind === "transformer" ? layout.transformers : null;
  const value = kind === "line" ? live?.figures.line[place] : kind === "transformer" ? live?.figures.transformer[place] : undefined;
  const isClosed = (table ?? layout.links).closed[place] ?? true;
  const lower = layout.buses.depth[near]! > layout.buses.depth[far]! ? near : far;
  return (
    <>
      {table && (
        <>
          <Fact name={words.loading}>
            <Toned tone={loadingTone(value, table.limit_percent[place])} value={percent(value, table.limit_percent[place])} />
          </Fact>
          <Fact name={words.limit}>{percent(table.limit_percent[place])}</Fact>
        </>
      )}
      <Fact name={words.position}>{t(isClosed ? words.closed : words.open)}</Fact>
      {kind === "line" && <Fact name={words.length}>{withUnit(layout.lines.length_m[place], "m", 0)}</Fact>}
      {kind === "line" && layout.lines.type[place] && <Fact name={words.type}>{layout.lines.type[place]}</Fact>}
      {kind === "transformer" && <Fact name={words.rated}>{withUnit(layout.transformers.rated_kva[place], "kVA", 0)}</Fact>}
      <Fact name={words.between}>
        {layout.buses.name[near]} · {layout.buses.name[far]}
      </Fact>
      {isClosed && <Behind layout={layout} live={live} bus={lower} />}
    </>
  );
}

function Behind({ layout, live, bus }: { layout: Layout; live: LiveFeeder | null; bus: number }) {
  if (!live) return null;
  const { points, measured } = behindBuses(layout, live.now.p_quality);
  if (!points[bus]) return null;
  return <Fact name={words.behind}>{t(words.measuredOf(measured[bus] ?? 0, points[bus]))}</Fact>;
}

interface PointProps {
  layout: Layout;
  live: LiveFeeder | null;
  point: number;
  isChosen: boolean;
  onChoose: (isChosen: boolean) => void;
}

function ServicePoint({ layout, live, point, isChosen, onChoose }: PointProps) {
  const { service_points: points, devices } = layout;
  const name = points.name[point]!;
  const customer = points.customer[point];
  const quality = QUALITIES[live?.now.p_quality[point] ?? ""];
  const here = placesOf(layout).devicesAt[point] ?? [];
  const isLimitable = here.some((device) => !devices.protected[device]);
  return (
    <section class="point" aria-label={name}>
      <h3>
        {name}
        {customer && (
          <span class="muted"> {may("customers") ? <a href={`#/customers/${encodeURIComponent(customer)}`}>{customer}</a> : customer}</span>
        )}
      </h3>
      {points.critical[point] && <p>✚ {t(words.critical)}</p>}
      <p>
        {kw(live?.now.p_kw[point])}{" "}
        <span class="muted">
          ({quality ? t(quality) : t(TONES[0].text)}
          {points.metered[point] ? "" : `, ${t(words.unmetered)}`})
        </span>
      </p>
      <ul class="devices">
        {here.map((device) => (
          <DeviceLine key={device} layout={layout} live={live} device={device} />
        ))}
      </ul>
      {isLimitable && (
        <label class="row">
          <input type="checkbox" checked={isChosen} onChange={(event) => onChoose(event.currentTarget.checked)} />
          {t(words.choose(name))}
        </label>
      )}
    </section>
  );
}

function DeviceLine({ layout, live, device }: { layout: Layout; live: LiveFeeder | null; device: number }) {
  const { devices } = layout;
  const id = devices.id[device]!;
  const request = live?.requests.find((one) => one.target === id);
  const state = request && REQUEST_STATES[request.state];
  return (
    <li>
      {deviceText(devices.kind[device]!)} <span class="muted">{id}</span>, {kw(devices.rated_kw[device])},{" "}
      {t(devices.protected[device] ? words.protected : words.floor(kw(devices.min_kw[device])))}
      {request && (
        <>
          {" "}
          <Status tone={state?.tone ?? "normal"}>
            {state ? t(state.text) : request.state} {boundKw(request.limit_kw, request.direction)}
          </Status>
        </>
      )}
    </li>
  );
}
