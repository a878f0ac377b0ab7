// Buses on the canvas, with who is supplied there; names where there is room.

import { DOTS_FROM, SIGNS_FROM, type Painting } from "./painting";
import { box, ring, textAt, textFont, triangle } from "./signs";

const MOST_NAMES = 250;
const CELL_WIDE = 10;
const CELL_TALL = 14;
/** Between service points of one bus. */
const UPRIGHT = 11;

/** `upright`: room for how many service points of each bus are painted already. */
export function paintBuses(painting: Painting, upright: Float64Array): void {
  const { layout, places, marks } = painting;
  const { view } = places;
  if (view.apart >= DOTS_FROM) dots(painting);
  supply(painting);
  upright.fill(0);
  const { bus: buses, critical } = layout.service_points;
  const showsAll = view.apart >= SIGNS_FROM;
  buses.forEach((bus, point) => {
    const isMarked = marks.chosen.has(point) || marks.limited.has(point);
    if (!showsAll && !isMarked && !(critical[point] && view.apart >= DOTS_FROM)) return;
    const [x, y] = [places.busX(bus), places.busY(bus) + upright[bus]! * UPRIGHT];
    if (!places.isIn(x, y)) return;
    upright[bus]! += 1;
    servicePoint(painting, point, x, y, showsAll);
  });
  if (view.scale >= places.geometry.readableScale) names(painting);
}

function servicePoint({ ctx, layout, ink, marks }: Painting, point: number, x: number, y: number, withBox: boolean): void {
  if (withBox) box(ctx, x, y, 3.5, marks.quality[point] ?? "", ink["--ink"], ink["--panel"]);
  if (layout.service_points.critical[point]) textAt(ctx, "✚", x + 10, y, ink["--ink"], 12);
  if (marks.limited.has(point)) triangle(ctx, x, y + 11, 5.5, true, ink["--control"]);
  if (!marks.chosen.has(point)) return;
  ctx.strokeStyle = ink["--control"];
  ctx.lineWidth = 3;
  ctx.beginPath();
  ring(ctx, x, y, 9);
  ctx.stroke();
}

function dots({ ctx, layout, places, ink }: Painting): void {
  const size = places.view.apart < SIGNS_FROM ? 2 : 4;
  ctx.fillStyle = ink["--wire"];
  for (let bus = 0; bus < layout.buses.id.length; bus += 1) {
    const [x, y] = [places.busX(bus), places.busY(bus)];
    if (places.isIn(x, y)) ctx.fillRect(x - size / 2, y - size / 2, size, size);
  }
}

function supply({ ctx, layout, places, ink }: Painting): void {
  ctx.fillStyle = ink["--ink"];
  for (const bus of layout.supply) ctx.fillRect(places.busX(bus) - 3, places.busY(bus) - 11, 6, 22);
}

/** No two of them share a cell of a coarse grid. */
function names({ ctx, layout, places, ink }: Painting): void {
  let told = 0;
  const { name } = layout.buses;
  const taken = new Set<string>();
  ctx.font = textFont(11);
  for (let bus = 0; bus < name.length && told < MOST_NAMES; bus += 1) {
    const [x, y] = [places.busX(bus), places.busY(bus)];
    if (!places.isIn(x, y)) continue;
    const cells = cellsOf(x, y, ctx.measureText(name[bus]!).width);
    if (cells.some((cell) => taken.has(cell))) continue;
    cells.forEach((cell) => taken.add(cell));
    told += 1;
    textAt(ctx, name[bus]!, x + 4, y - 12, ink["--muted"], 11, "left");
  }
}

/** Those that a name covers. */
function cellsOf(x: number, y: number, width: number): string[] {
  const row = Math.floor(y / CELL_TALL);
  const [first, last] = [Math.floor(x / CELL_WIDE), Math.floor((x + width) / CELL_WIDE)];
  return Array.from({ length: last - first + 1 }, (_, n) => `${first + n}/${row}`);
}
