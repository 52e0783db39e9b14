// The map: density and points, the point that is drawn, and everything that has a place on it.
import { KINDS, rgb, theme, viridis } from "./colours";
import { digits, ticks } from "./format";
import { fit, frame, type Box, type HeatAxes } from "./heat";
import type { Axis, Label, Packed } from "./types";

export interface Marks {
  point: [number, number] | null; achieved: [number, number] | null; cloud: number[][];
  nearest: number[][]; uploaded: number[][]; a: [number, number] | null; b: [number, number] | null;
  route: number[][]; region: [number, number, number, number] | null;
}

export class MapView {
  density: Packed | null = null;
  points: number[][] = [];
  colour: Label | null = null;
  axes: { x: Pick<Axis, "low" | "high" | "logarithmic" | "factor">; y: MapView["axes"]["x"] | null; xlabel: string; ylabel: string };
  known: [number, number, number, number] | null = null;
  marks: Marks = { point: null, achieved: null, cloud: [], nearest: [], uploaded: [], a: null, b: null, route: [], region: null };
  tool: "point" | "region" = "point";
  regions = true;
  private box: Box = { left: 0, top: 0, right: 1, bottom: 1 };
  private base = document.createElement("canvas");
  private stale = true;
  private queued = false;

  constructor(
    readonly canvas: HTMLCanvasElement,
    private readonly moved: (place: [number, number], done: boolean) => void,
    private readonly drawn: (region: [number, number, number, number], done: boolean) => void,
  ) {
    this.axes = { x: { low: 0, high: 1, logarithmic: false, factor: 1 }, y: null, xlabel: "", ylabel: "" };
    let from: [number, number] | null = null, dragging = false;
    canvas.addEventListener("pointerdown", (e) => {
      if (e.button) return;
      canvas.setPointerCapture(e.pointerId);
      dragging = true;
      const at = this.place(e);
      if (this.regions && (this.tool === "region" || e.shiftKey)) {
        from = at;
        this.drawn([...at, ...at], false);
      } else this.moved(at, false);
    });
    canvas.addEventListener("pointermove", (e) => {
      if (!dragging) return;
      const at = this.place(e);
      if (from) this.drawn([Math.min(from[0], at[0]), Math.min(from[1], at[1]), Math.max(from[0], at[0]), Math.max(from[1], at[1])], false);
      else this.moved(at, false);
    });
    const end = (e: PointerEvent) => {
      if (!dragging) return;
      dragging = false;
      const at = this.place(e);
      if (from) this.drawn([Math.min(from[0], at[0]), Math.min(from[1], at[1]), Math.max(from[0], at[0]), Math.max(from[1], at[1])], true);
      else this.moved(at, true);
      from = null;
    };
    canvas.addEventListener("pointerup", end);
    canvas.addEventListener("pointercancel", end);
    new ResizeObserver(() => this.redraw(true)).observe(canvas);
  }

  private place(e: PointerEvent): [number, number] {
    const r = this.canvas.getBoundingClientRect(), b = this.box;
    const clamp = (v: number) => Math.min(Math.max(v, 0), 1);
    return [clamp((e.clientX - r.left - b.left) / (b.right - b.left)), clamp((b.bottom - (e.clientY - r.top)) / (b.bottom - b.top))];
  }

  redraw(base = false) {
    this.stale ||= base;
    if (this.queued) return;
    this.queued = true;
    requestAnimationFrame(() => {
      this.queued = false;
      this.draw();
    });
  }

  private at = ([x, y]: number[]): [number, number] => [
    this.box.left + x * (this.box.right - this.box.left), this.box.bottom - y * (this.box.bottom - this.box.top),
  ];

  private draw() {
    const [g, width, height] = fit(this.canvas);
    if (!width) return;
    this.box = { left: 50, top: 8, right: width - 10, bottom: height - 38 };
    if (this.stale || this.base.width !== this.canvas.width || this.base.height !== this.canvas.height) {
      this.drawBase(width, height);
      this.stale = false;
    }
    g.save();
    g.setTransform(1, 0, 0, 1, 0, 0);
    g.clearRect(0, 0, this.canvas.width, this.canvas.height);
    g.drawImage(this.base, 0, 0);
    g.restore();
    this.drawMarks(g);
  }

  private drawBase(width: number, height: number) {
    [this.base.width, this.base.height] = [this.canvas.width, this.canvas.height];
    const g = this.base.getContext("2d")!, ratio = this.canvas.width / width, b = this.box;
    g.setTransform(ratio, 0, 0, ratio, 0, 0);
    g.fillStyle = theme("well");
    g.fillRect(b.left, b.top, b.right - b.left, b.bottom - b.top);
    if (this.density) {
      g.imageSmoothingEnabled = true;
      g.imageSmoothingQuality = "high";
      g.globalAlpha = this.colour ? 0.45 : 1;
      g.drawImage(this.cloudImage(this.density), b.left, b.top, b.right - b.left, b.bottom - b.top);
      g.globalAlpha = 1;
    }
    const finite = this.colour?.values.filter((v): v is number => v !== null) ?? [];
    const sorted = [...finite].sort((p, q) => p - q);
    const low = sorted[Math.floor(0.02 * sorted.length)] ?? 0, high = sorted[Math.floor(0.98 * (sorted.length - 1))] ?? 1;
    const radius = this.colour ? 2 : this.density ? 1 : 1.6;
    g.fillStyle = theme("points");
    for (let k = 0; k < this.points.length; k++) {
      if (this.colour) {
        const v = this.colour.values[k];
        if (v === null || v === undefined) continue;
        g.fillStyle = this.colour.kinds ? KINDS[v % KINDS.length] : viridis((v - low) / (high - low || 1));
      }
      const [x, y] = this.at(this.points[k]);
      g.beginPath();
      g.arc(x, y, radius, 0, 7);
      g.fill();
    }
    if (this.known) {
      const [x0, y0] = this.at([this.known[0], this.known[1]]), [x1, y1] = this.at([this.known[2], this.known[3]]);
      g.strokeStyle = theme("soft");
      g.globalAlpha = 0.55;
      g.setLineDash([2, 3]);
      g.strokeRect(x0, y1, x1 - x0, y0 - y1);
      g.setLineDash([]);
      g.globalAlpha = 1;
    }
    void height;
    frame(g, b, this.ticked());
  }

  private ticked(): HeatAxes {
    const one = (a: MapView["axes"]["x"] | null) => {
      if (!a) return [];
      const [low, high] = [a.low * a.factor, a.high * a.factor];
      const at = (v: number) => a.logarithmic ? Math.log(v / low) / Math.log(high / low) : (v - low) / (high - low);
      return ticks(low, high, a.logarithmic, 8).map((v) => ({ at: at(v), text: digits(v) }));
    };
    return { x: one(this.axes.x), y: one(this.axes.y), xlabel: this.axes.xlabel, ylabel: this.axes.ylabel };
  }

  /** Density as an image from the ground of the map to its deepest colour. */
  private cloudImage(packed: Packed): HTMLCanvasElement {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [packed.columns, packed.rows];
    const g = canvas.getContext("2d")!, made = g.createImageData(packed.columns, packed.rows);
    const data = atob(packed.data), low = rgb("well"), high = rgb("dense");
    for (let r = 0; r < packed.rows; r++) {
      for (let c = 0; c < packed.columns; c++) {
        const v = data.charCodeAt(r * packed.columns + c) / 255, to = 4 * ((packed.rows - 1 - r) * packed.columns + c);
        for (let k = 0; k < 3; k++) made.data[to + k] = low[k] + v ** 0.8 * (high[k] - low[k]);
        made.data[to + 3] = 255;
      }
    }
    g.putImageData(made, 0, 0);
    return canvas;
  }

  private drawMarks(g: CanvasRenderingContext2D) {
    const m = this.marks, halo = theme("card");
    if (m.region) {
      const [x0, y0] = this.at([m.region[0], m.region[1]]), [x1, y1] = this.at([m.region[2], m.region[3]]);
      g.fillStyle = theme("regionfill");
      g.fillRect(x0, y1, x1 - x0, y0 - y1);
      g.strokeStyle = theme("region");
      g.lineWidth = 1.5;
      g.setLineDash([6, 4]);
      g.strokeRect(x0, y1, x1 - x0, y0 - y1);
      g.setLineDash([]);
    }
    g.fillStyle = theme("uploaded");
    for (const p of m.uploaded) {
      const [x, y] = this.at(p);
      g.beginPath();
      g.moveTo(x, y - 4);
      g.lineTo(x + 3.5, y + 2.5);
      g.lineTo(x - 3.5, y + 2.5);
      g.fill();
    }
    g.strokeStyle = theme("generated");
    g.lineWidth = 1;
    g.globalAlpha = 0.75;
    for (const p of m.cloud) {
      const [x, y] = this.at(p);
      g.beginPath();
      g.arc(x, y, 2.5, 0, 7);
      g.stroke();
    }
    g.globalAlpha = 1;
    if (m.route.length) {
      g.strokeStyle = theme("text");
      g.lineWidth = 1.5;
      g.beginPath();
      m.route.forEach((p, k) => (k ? g.lineTo(...this.at(p)) : g.moveTo(...this.at(p))));
      g.stroke();
    }
    m.nearest.forEach((p, k) => this.badge(g, p, String(k + 1), theme("measured"), theme("onmeasured"), true));
    if (m.a) this.badge(g, m.a, "A", theme("text"), theme("card"));
    if (m.b) this.badge(g, m.b, "B", theme("text"), theme("card"));
    if (m.point) {
      const [x, y] = this.at(m.point);
      if (m.achieved) {
        const [u, v] = this.at(m.achieved);
        g.strokeStyle = theme("achieved");
        g.lineWidth = 1.5;
        g.beginPath();
        g.moveTo(x, y);
        g.lineTo(u, v);
        g.stroke();
        g.save();
        g.translate(u, v);
        g.rotate(Math.PI / 4);
        g.fillStyle = theme("achieved");
        g.strokeStyle = halo;
        g.lineWidth = 1.5;
        g.fillRect(-4, -4, 8, 8);
        g.strokeRect(-4, -4, 8, 8);
        g.restore();
      }
      for (const [colour, w] of [[halo, 5], [theme("asked"), 2.5]] as const) {
        g.strokeStyle = colour;
        g.lineWidth = w;
        g.beginPath();
        g.arc(x, y, 8, 0, 7);
        g.stroke();
        g.beginPath();
        for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
          g.moveTo(x + 8 * dx, y + 8 * dy);
          g.lineTo(x + 13 * dx, y + 13 * dy);
        }
        g.stroke();
      }
    }
  }

  private badge(g: CanvasRenderingContext2D, p: number[], text: string, ground: string, ink: string, square = false) {
    const [x, y] = this.at(p);
    g.fillStyle = ground;
    g.strokeStyle = theme("card");
    g.lineWidth = 1.5;
    g.beginPath();
    if (square) g.rect(x - 7, y - 7, 14, 14);
    else g.arc(x, y, 8.5, 0, 7);
    g.fill();
    g.stroke();
    g.fillStyle = ink;
    g.font = "600 10px system-ui, sans-serif";
    g.textAlign = "center";
    g.textBaseline = "middle";
    g.fillText(text, x, y + 0.5);
  }
}
