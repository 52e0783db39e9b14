// A picture of amounts over two axes, drawn on a canvas.
import { TABLE, theme } from "./colours";
import type { Packed } from "./types";

export interface Ticks { at: number; text: string }
export interface HeatAxes { x: Ticks[]; y: Ticks[]; xlabel: string; ylabel: string }

const bytes = (packed: Packed) => Uint8Array.from(atob(packed.data), (c) => c.charCodeAt(0));

/** A picture as an image, the first row at the bottom. */
export function image(packed: Packed, into?: HTMLCanvasElement): HTMLCanvasElement {
  const canvas = into ?? document.createElement("canvas");
  const { rows, columns } = packed;
  if (canvas.width !== columns || canvas.height !== rows) [canvas.width, canvas.height] = [columns, rows];
  const context = canvas.getContext("2d")!, made = context.createImageData(columns, rows), data = bytes(packed);
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) {
      const from = 3 * data[r * columns + c], to = 4 * ((rows - 1 - r) * columns + c);
      made.data[to] = TABLE[from];
      made.data[to + 1] = TABLE[from + 1];
      made.data[to + 2] = TABLE[from + 2];
      made.data[to + 3] = 255;
    }
  }
  context.putImageData(made, 0, 0);
  return canvas;
}

/** Make a canvas as sharp as the screen; its size in CSS pixels comes back. */
export function fit(canvas: HTMLCanvasElement): [CanvasRenderingContext2D, number, number] {
  const ratio = Math.min(window.devicePixelRatio || 1, 2);
  const width = canvas.clientWidth, height = canvas.clientHeight;
  const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== w || canvas.height !== h) [canvas.width, canvas.height] = [w, h];
  const context = canvas.getContext("2d")!;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  return [context, width, height];
}

const small = document.createElement("canvas");

export function heat(canvas: HTMLCanvasElement, packed: Packed, axes: HeatAxes): void {
  const [g, width, height] = fit(canvas);
  if (!width) return;
  const box = { left: 46, top: 6, right: width - 8, bottom: height - 34 };
  g.clearRect(0, 0, width, height);
  g.imageSmoothingEnabled = true;
  g.imageSmoothingQuality = "medium";
  g.drawImage(image(packed, small), box.left, box.top, box.right - box.left, box.bottom - box.top);
  frame(g, box, axes);
}

export interface Box { left: number; top: number; right: number; bottom: number }

/** Ticks and labels about a box. */
export function frame(g: CanvasRenderingContext2D, box: Box, axes: HeatAxes): void {
  g.font = '11px system-ui, "Segoe UI", Roboto, sans-serif';
  g.fillStyle = theme("soft");
  g.strokeStyle = theme("line");
  g.lineWidth = 1;
  g.strokeRect(box.left - 0.5, box.top - 0.5, box.right - box.left + 1, box.bottom - box.top + 1);
  g.textAlign = "center";
  g.textBaseline = "top";
  let free = -Infinity;
  for (const { at, text } of axes.x) {
    const x = box.left + at * (box.right - box.left), half = g.measureText(text).width / 2;
    if (x - half < free + 6) continue;
    free = x + half;
    g.fillRect(Math.round(x), box.bottom + 1, 1, 3);
    g.fillText(text, Math.min(x, box.right - half + 6), box.bottom + 6);
  }
  g.fillText(axes.xlabel, (box.left + box.right) / 2, box.bottom + 20);
  g.textAlign = "right";
  g.textBaseline = "middle";
  free = Infinity;
  for (const { at, text } of axes.y) {
    const y = box.bottom - at * (box.bottom - box.top);
    if (y > free - 13) continue;
    free = y;
    g.fillRect(box.left - 4, Math.round(y), 3, 1);
    g.fillText(text, box.left - 7, Math.max(y, box.top + 5));
  }
  g.save();
  g.translate(9, (box.top + box.bottom) / 2);
  g.rotate(-Math.PI / 2);
  g.textAlign = "center";
  g.fillText(axes.ylabel, 0, 0);
  g.restore();
}
