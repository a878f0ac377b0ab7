// Signs and figures of what is outside its limit or near it: what is over comes last, on top.

import { percent, perUnit } from "../../format";
import { branchAt } from "./geometry";
import { DOTS_FROM, SIGNS_FROM, type Painting } from "./painting";
import { ring, textAt, triangle } from "./signs";
import { HIGH, OVER } from "./tones";

const MOST_SIGNS = 400;

export function paintAbnormal(painting: Painting): void {
  let left = MOST_SIGNS;
  for (const tone of [HIGH, OVER]) {
    left = signBranches(painting, tone, left);
    left = signBuses(painting, tone, left);
  }
}

const paintOf = ({ ink }: Painting, tone: number): string => ink[tone === OVER ? "--over" : "--high"];
/** The figures of what is only near its limit need room. */
const writes = ({ places }: Painting, tone: number): boolean => tone === OVER || places.view.apart >= SIGNS_FROM;

/** How many signs are left after these. */
function signBranches(painting: Painting, tone: number, most: number): number {
  const { layout, places, tones } = painting;
  const branches = layout.lines.id.length + layout.transformers.id.length;
  let left = most;
  for (let number = 0; number < branches && left > 0; number += 1) {
    const { kind, place } = branchAt(layout, number);
    if (kind === "link" || tones[kind][place] !== tone) continue;
    const { x, y } = places.middle(number);
    if (!places.isIn(x, y)) continue;
    left -= 1;
    signBranch(painting, tone, kind, place, x + (kind === "transformer" ? 22 : 0), y);
  }
  return left;
}

function signBranch(painting: Painting, tone: number, kind: "line" | "transformer", place: number, x: number, y: number): void {
  const { ctx, layout, figures, ink } = painting;
  const paint = paintOf(painting, tone);
  ctx.fillStyle = paint;
  if (tone === OVER) ctx.fillRect(x - 5.5, y - 5.5, 11, 11);
  else triangle(ctx, x, y, 6, false, paint);
  const value = figures?.[kind][place];
  if (value === null || value === undefined || !writes(painting, tone)) return;
  const limit = (kind === "line" ? layout.lines : layout.transformers).limit_percent[place];
  textAt(ctx, percent(value, limit), x + 9, y - 9, paint, 12, "left", ink["--panel"]);
}

function signBuses(painting: Painting, tone: number, most: number): number {
  const { places, tones } = painting;
  if (tone !== OVER && places.view.apart < DOTS_FROM) return most;
  let left = most;
  tones.bus.forEach((one, bus) => {
    if (one !== tone || left <= 0 || !places.isIn(places.busX(bus), places.busY(bus))) return;
    left -= 1;
    signBus(painting, tone, bus);
  });
  return left;
}

function signBus(painting: Painting, tone: number, bus: number): void {
  const { ctx, places, figures, ink } = painting;
  const [x, y, v, paint] = [places.busX(bus), places.busY(bus), figures?.v[bus], paintOf(painting, tone)];
  ctx.strokeStyle = paint;
  ctx.lineWidth = tone === OVER ? 3 : 2;
  ctx.beginPath();
  ring(ctx, x, y, 7);
  ctx.stroke();
  const isKnown = v !== null && v !== undefined;
  triangle(ctx, x, y, 4, isKnown && v < 1, paint);
  if (isKnown && writes(painting, tone)) textAt(ctx, perUnit(v), x + 11, y + 11, paint, 12, "left", ink["--panel"]);
}
