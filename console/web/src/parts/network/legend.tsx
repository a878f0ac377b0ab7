// What the signs of the drawing mean, in words.

import { useEffect, useRef } from "preact/hooks";
import { colour, coloursChanged } from "../../theme";
import { t, type Text } from "../../words";
import { box, ring, textAt, transformerSign, triangle } from "./signs";

type Ctx = CanvasRenderingContext2D;
interface Entry {
  readonly name: Text;
  readonly paint: (ctx: Ctx) => void;
}

const WIDE = 44;
const TALL = 22;

function stroke(ctx: Ctx, name: string, width: number, dash: number[] = []): void {
  ctx.strokeStyle = colour(name);
  ctx.lineWidth = width;
  ctx.setLineDash(dash);
  ctx.beginPath();
  ctx.moveTo(3, TALL / 2);
  ctx.lineTo(WIDE - 3, TALL / 2);
  ctx.stroke();
  ctx.setLineDash([]);
}

const at = [WIDE / 2, TALL / 2] as const;
const point = (quality: string) => (ctx: Ctx) => box(ctx, ...at, 5, quality, colour("--ink"), colour("--panel"));
const ENTRIES: readonly Entry[] = [
  { name: { en: "within its limit", zh: "正常" }, paint: (ctx) => stroke(ctx, "--wire", 1.6) },
  {
    name: { en: "from 90 % of its limit", zh: "达到限值的 90 %" },
    paint: (ctx) => {
      stroke(ctx, "--high", 3.5);
      triangle(ctx, ...at, 6, false, colour("--high"));
    },
  },
  {
    name: { en: "over its limit", zh: "越限" },
    paint: (ctx) => {
      stroke(ctx, "--over", 5.5);
      ctx.fillStyle = colour("--over");
      ctx.fillRect(WIDE / 2 - 5.5, TALL / 2 - 5.5, 11, 11);
    },
  },
  { name: { en: "not known", zh: "未知" }, paint: (ctx) => stroke(ctx, "--wire", 1.2, [2, 3]) },
  {
    name: { en: "open or out of service", zh: "断开或停运" },
    paint: (ctx) => {
      stroke(ctx, "--muted", 1.4, [7, 5]);
      ctx.fillStyle = colour("--panel");
      ctx.strokeStyle = colour("--ink");
      ctx.beginPath();
      ring(ctx, ...at, 4);
      ctx.fill();
      ctx.stroke();
    },
  },
  {
    name: { en: "voltage too low or too high", zh: "电压过低或过高" },
    paint: (ctx) => {
      ctx.strokeStyle = colour("--over");
      ctx.lineWidth = 3;
      ctx.beginPath();
      ring(ctx, ...at, 7);
      ctx.stroke();
      triangle(ctx, ...at, 4, true, colour("--over"));
    },
  },
  {
    name: { en: "transformer", zh: "变压器" },
    paint: (ctx) => transformerSign(ctx, ...at, colour("--ink"), colour("--panel"), 1.6),
  },
  {
    name: { en: "supply from above", zh: "上级电源" },
    paint: (ctx) => {
      ctx.fillStyle = colour("--ink");
      ctx.fillRect(WIDE / 2 - 3, 1, 6, TALL - 2);
    },
  },
  { name: { en: "service point, measured", zh: "供电点（实测）" }, paint: point("0") },
  { name: { en: "service point, stale", zh: "供电点（数据过期）" }, paint: point("1") },
  { name: { en: "service point, estimated", zh: "供电点（估算）" }, paint: point("2") },
  { name: { en: "critical customer", zh: "重要用户" }, paint: (ctx) => textAt(ctx, "✚", ...at, colour("--ink"), 14) },
  { name: { en: "holds a limit", zh: "正在限功率" }, paint: (ctx) => triangle(ctx, ...at, 6, true, colour("--control")) },
  {
    name: { en: "chosen for an order", zh: "已选为指令对象" },
    paint: (ctx) => {
      ctx.strokeStyle = colour("--control");
      ctx.lineWidth = 3;
      ctx.beginPath();
      ring(ctx, ...at, 8);
      ctx.stroke();
    },
  },
];

export function Legend() {
  return (
    <ul class="legend">
      {ENTRIES.map((entry) => (
        <li key={entry.name.en}>
          <Sign paint={entry.paint} />
          {t(entry.name)}
        </li>
      ))}
    </ul>
  );
}

function Sign({ paint }: { paint: (ctx: Ctx) => void }) {
  const place = useRef<HTMLCanvasElement>(null);
  const colours = coloursChanged.value;
  useEffect(() => {
    const canvas = place.current;
    const ctx = canvas?.getContext("2d");
    if (!canvas || !ctx) return;
    canvas.width = WIDE * devicePixelRatio;
    canvas.height = TALL * devicePixelRatio;
    ctx.scale(devicePixelRatio, devicePixelRatio);
    paint(ctx);
  }, [colours, paint]);
  return <canvas ref={place} style={{ width: `${WIDE}px`, height: `${TALL}px` }} aria-hidden="true" />;
}
