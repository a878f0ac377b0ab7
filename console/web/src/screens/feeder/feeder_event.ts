// What the stream tells of one feeder after each cycle, as the API's document describes the event `feeder`.

import type { components } from "../../api/schema";

type Column = (number | null)[];
type View = components["schemas"]["FeederView"];
export type Request = View["requests"][number];
export type Violation = View["violations"][number];
export type ForecastPoint = NonNullable<View["forecast"]>[number];

export interface TrendColumns {
  whole: boolean;
  at_ms: number[];
  transformer_loading_percent: Column;
  max_line_loading_percent: Column;
  without_control_percent: Column;
  curtailed_kw: Column;
}

export interface FeederEvent {
  feeder: string;
  at: string;
  cycle: number;
  layout: string;
  automatic: boolean;
  by_hand: View["by_hand"];
  converged: boolean;
  quality: View["quality"];
  transformer_loading_percent: Column;
  line_loading_percent: Column;
  v_pu: Column;
  p_kw: Column;
  p_quality: string;
  violations: Violation[];
  event: View["event"];
  expected: NonNullable<View["expected"]>;
  forecast: ForecastPoint[] | null;
  looked_at: string | null;
  forecast_is_old: boolean;
  without_control_percent: number | null;
  totals: View["totals"];
  requests: { whole: boolean; rows: Request[]; gone: string[]; order: string[] | null };
  trend: TrendColumns;
}
