// Curves over delay and angle by uPlot: one channel, the band of many, the spread marked.
import uPlot from "uplot";
import { theme } from "./colours";
import type { Band } from "./types";

export interface Mark { mean: number; spread: number; text: string }

export class Curve {
  private plot!: uPlot;
  private data: (number | null)[][];
  private mark: Mark | null = null;

  constructor(
    private readonly box: HTMLElement, private readonly x: number[], private readonly label: string,
    private readonly depth: number, private readonly xticks?: number[],
  ) {
    const none = x.map(() => null);
    this.data = [x, none, none, none, none];
    this.build();
    new ResizeObserver(() => this.resize()).observe(box);
  }

  private size = () => ({ width: Math.max(this.box.clientWidth, 120), height: Math.max(this.box.clientHeight, 120) });
  private resize() {
    const { width, height } = this.size();
    if (width !== this.plot.width || height !== this.plot.height) this.plot.setSize({ width, height });
  }

  build() {
    this.plot?.destroy();
    const axis = { stroke: theme("soft"), grid: { stroke: theme("grid"), width: 1 }, ticks: { stroke: theme("line"), width: 1, size: 4 }, font: "11px system-ui, sans-serif", labelFont: "11px system-ui, sans-serif", labelSize: 16, gap: 4 };
    const faint = { width: 0, points: { show: false } };
    this.plot = new uPlot({
      ...this.size(),
      padding: [8, 8, 0, 0],
      legend: { show: false },
      cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
      scales: { x: { time: false, range: [this.x[0], this.x[this.x.length - 1]] }, y: { range: [-this.depth, 2] } },
      axes: [
        { ...axis, label: this.label, size: 26, ...(this.xticks ? { splits: () => this.xticks! } : {}) },
        { ...axis, label: "dB", size: 34, splits: () => [-50, -40, -30, -20, -10, 0].filter((v) => v >= -this.depth) },
      ],
      series: [
        {},
        { ...faint }, { ...faint },
        { stroke: theme("band"), width: 1, dash: [4, 3], points: { show: false } },
        { stroke: theme("generated"), width: 1.75, points: { show: false } },
      ],
      bands: [{ series: [2, 1], fill: theme("bandfill") }],
      hooks: { drawClear: [(u) => this.shade(u)] },
    }, this.data as uPlot.AlignedData, this.box);
  }

  private shade(u: uPlot) {
    if (!this.mark) return;
    const { mean, spread } = this.mark, g = u.ctx, ratio = devicePixelRatio || 1;
    const [a, b, m] = [mean - spread, mean + spread, mean].map((v) => Math.min(Math.max(u.valToPos(v, "x", true), u.bbox.left), u.bbox.left + u.bbox.width));
    g.save();
    g.fillStyle = theme("spreadfill");
    g.fillRect(a, u.bbox.top, b - a, u.bbox.height);
    g.fillStyle = theme("achieved");
    g.fillRect(m - ratio / 2, u.bbox.top, ratio, u.bbox.height);
    g.restore();
  }

  show(values: number[], mark: Mark | null, band: number[][] | null) {
    this.mark = mark;
    this.data[4] = values;
    if (band) [this.data[1], this.data[3], this.data[2]] = [band[0], band[1], band[2]];
    else for (const k of [1, 2, 3]) this.data[k] = this.x.map(() => null);
    this.plot.setData(this.data as uPlot.AlignedData, false);
    this.plot.redraw(true, false);
  }
}

export const bandOf = (band: Band | null, what: "profile" | "spectrum") => (band && band[what].length ? band[what] : null);

/** A spread along a walk: asked, the middle of what came out, and its 10 to 90 %. */
export class Along {
  private plot?: uPlot;
  constructor(private readonly box: HTMLElement, private readonly label: string) {
    new ResizeObserver(() => this.plot?.setSize({ width: box.clientWidth, height: box.clientHeight })).observe(box);
  }
  private at = 0;
  show(position: number[], asked: (number | null)[], found: number[][], at: number) {
    this.at = at;
    const data = [position, found.map((q) => q[0]), found.map((q) => q[2]), asked, found.map((q) => q[1])] as uPlot.AlignedData;
    this.plot?.destroy();
    const axis = { stroke: theme("soft"), grid: { stroke: theme("grid"), width: 1 }, ticks: { show: false }, font: "11px system-ui, sans-serif", labelFont: "11px system-ui, sans-serif", labelSize: 16, gap: 4 };
    this.plot = new uPlot({
      width: Math.max(this.box.clientWidth, 120), height: Math.max(this.box.clientHeight, 100),
      padding: [8, 8, 0, 0], legend: { show: false }, cursor: { show: false },
      scales: { x: { time: false } },
      axes: [{ ...axis, label: "along the walk, A to B", size: 24 }, { ...axis, label: this.label, size: 40 }],
      series: [{}, { width: 0, points: { show: false } }, { width: 0, points: { show: false } },
        { stroke: theme("asked"), width: 1.5, dash: [5, 4], points: { show: false } },
        { stroke: theme("generated"), width: 2, points: { show: false } }],
      bands: [{ series: [2, 1], fill: theme("bandfill") }],
      hooks: { draw: [(u) => {
        const x = u.valToPos(this.at, "x", true);
        u.ctx.fillStyle = theme("achieved");
        u.ctx.fillRect(x - 1, u.bbox.top, 2, u.bbox.height);
      }] },
    }, data, this.box);
  }
  move(at: number) {
    this.at = at;
    this.plot?.redraw(false, false);
  }
}
