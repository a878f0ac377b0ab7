// The few signs on a feeder's drawing, as strokes on a canvas.

type Ctx = CanvasRenderingContext2D;
const FONT = 'system-ui, "Noto Sans CJK SC", "Microsoft YaHei", sans-serif';

export const textFont = (size: number): string => `${size}px ${FONT}`;

/** A circle as a path of its own, to be stroked or filled. */
export function ring(ctx: Ctx, x: number, y: number, radius: number): void {
  ctx.moveTo(x + radius, y);
  ctx.arc(x, y, radius, 0, 2 * Math.PI);
}

/** A service point: full when measured, half when stale, hollow when estimated. */
export function box(ctx: Ctx, x: number, y: number, half: number, quality: string, stroke: string, ground: string): void {
  ctx.lineWidth = 1.2;
  ctx.strokeStyle = stroke;
  ctx.fillStyle = quality === "0" ? stroke : ground;
  ctx.fillRect(x - half, y - half, 2 * half, 2 * half);
  if (quality === "1") {
    ctx.fillStyle = stroke;
    ctx.fillRect(x - half, y, 2 * half, half);
  }
  ctx.strokeRect(x - half, y - half, 2 * half, 2 * half);
}

export function triangle(ctx: Ctx, x: number, y: number, half: number, pointsDown: boolean, fill: string): void {
  const tip = pointsDown ? half : -half;
  ctx.fillStyle = fill;
  ctx.beginPath();
  ctx.moveTo(x, y + tip);
  ctx.lineTo(x - half, y - tip);
  ctx.lineTo(x + half, y - tip);
  ctx.closePath();
  ctx.fill();
}

export function transformerSign(ctx: Ctx, x: number, y: number, stroke: string, ground: string, width: number): void {
  ctx.lineWidth = width;
  ctx.strokeStyle = stroke;
  ctx.fillStyle = ground;
  for (const isFilled of [true, false]) {
    ctx.beginPath();
    ring(ctx, x - 4.5, y, 7);
    ring(ctx, x + 4.5, y, 7);
    if (isFilled) ctx.fill();
    else ctx.stroke();
  }
}

export function textAt(
  ctx: Ctx,
  text: string,
  x: number,
  y: number,
  fill: string,
  size: number,
  align: CanvasTextAlign = "center",
  ground?: string,
): void {
  ctx.font = textFont(size);
  ctx.textAlign = align;
  ctx.textBaseline = "middle";
  if (ground) {
    ctx.strokeStyle = ground;
    ctx.lineWidth = 3.5;
    ctx.strokeText(text, x, y);
  }
  ctx.fillStyle = fill;
  ctx.fillText(text, x, y);
}
