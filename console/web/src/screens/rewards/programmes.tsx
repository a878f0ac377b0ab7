import { body, client } from "../../api/client";
import { useResource } from "../../api/resource";
import type { paths } from "../../api/schema";
import { plain, span, withUnit } from "../../format";
import { Panel } from "../../parts/page";
import { Empty, Known } from "../../parts/states";
import { Status, Tile, Tiles } from "../../parts/status";
import { Table, type Column } from "../../parts/table";
import { t, verbatim } from "../../words";
import { amount } from "./amounts";
import { words } from "./words";

type Programme = paths["/api/v1/programmes"]["get"]["responses"][200]["content"]["application/json"]["items"][number];
type Budget = Programme["budgets"][number];
type Tier = Programme["tiers"][number];
const LOW_SHARE = 0.1;

export function Programmes() {
  const programmes = useResource((signal) => body(client.GET("/api/v1/programmes", { signal })), [], 60_000);
  return <Known of={programmes}>{(known) => known.items.map((one) => <ProgrammePanel key={one.programme} programme={one} />)}</Known>;
}

function ProgrammePanel({ programme }: { programme: Programme }) {
  return (
    <Panel title={verbatim(programme.programme)}>
      <Tiles>
        <Tile
          label={t(words.perKwh)}
          value={amount(programme.points_per_kwh, "points")}
          note={amount(programme.minor_units_per_kwh, programme.currency)}
        />
        <Tile label={t(words.interval)} value={span(programme.interval_s)} />
        <Tile label={t(words.disputeTime)} value={t(words.days(programme.dispute_days))} />
      </Tiles>
      <h3>{t(words.budgets)}</h3>
      <Table caption={words.budgets} columns={BUDGETS} rows={programme.budgets} id={(budget) => budget.unit} />
      <h3>{t(words.tiers)}</h3>
      {programme.tiers.length ? (
        <Table caption={words.tiers} columns={TIERS} rows={programme.tiers} id={(tier) => tier.tier} />
      ) : (
        <Empty>{t(words.noTiers)}</Empty>
      )}
    </Panel>
  );
}

function Left({ budget }: { budget: Budget }) {
  if (budget.left === null || budget.cap === null) return <span class="muted">{t(words.endless)}</span>;
  const all = budget.given + budget.cap;
  const tone = budget.left <= 0 ? "bad" : budget.left < LOW_SHARE * all ? "warn" : "normal";
  return (
    <Status tone={tone}>
      {amount(budget.left, budget.unit)} {budget.left <= 0 && t(words.exhausted)}
    </Status>
  );
}

const BUDGETS: readonly Column<Budget>[] = [
  { key: "unit", name: words.budget, cell: (budget) => (budget.unit === "points" ? t(words.pointsHead) : budget.unit) },
  { key: "given", name: words.given, isFigure: true, cell: (budget) => amount(budget.given, budget.unit) },
  { key: "used", name: words.used, isFigure: true, cell: (budget) => amount(budget.used, budget.unit) },
  {
    key: "cap",
    name: words.cap,
    isFigure: true,
    cell: (budget) => (budget.cap === null ? t(words.endless) : amount(budget.cap, budget.unit)),
  },
  { key: "left", name: words.left, isFigure: true, cell: (budget) => <Left budget={budget} /> },
];
const TIERS: readonly Column<Tier>[] = [
  { key: "tier", name: words.tier, cell: (tier) => tier.tier },
  { key: "from", name: words.fromPoints, isFigure: true, cell: (tier) => plain(tier.from_points) },
  { key: "bonus", name: words.bonus, isFigure: true, cell: (tier) => withUnit(tier.bonus_percent ?? 0, "%") },
];
