// What the server says, and what the page asks.
export interface Axis {
  name: string; label: string; unit: string; factor: number; logarithmic: boolean;
  low: number; high: number; known_low: number; known_high: number;
}
export interface Packed { rows: number; columns: number; data: string; of?: number[] }
export interface PictureAxes {
  delay_start: number; delay_step: number; delays: number; angles: number[]; spacing: number | null;
  end: string | null; freq_low: number; freq_high: number; antennas: number; depth_db: number; fade_db: number;
}
export interface Condition {
  name: string; unit: string; low: number; high: number; categories: string[]; on_map: boolean;
}
export interface SiteTold {
  version: string; name: string; axes: Axis[]; conditions: Condition[]; realisations: number;
  training: number; density: Packed; peak: number; points: number[][]; start: Record<string, number>;
  pictures: PictureAxes; shape: number[]; carrier: number | null; bandwidth: number | null;
  distance: string; static: Static | null;
}
export interface Static {
  kind: string; across: number; up: number; draws: number; seed: number;
  cells: number[]; points: Shown[][]; bands: Band[]; shell: string[]; note: string;
}
export interface Picture {
  map: Packed; magnitude: Packed; profile: number[]; spectrum: number[]; mean_delay: number | null;
  mean_angle: number | null; achieved: Record<string, number | null>; gain_db: number | null;
}
export interface Nearby { verdict: "inside" | "sparse" | "outside"; count: number }
export interface Shown extends Picture { asked: Record<string, number | string>; nearby: Nearby }
export interface Band {
  draws: number; profile: number[][]; spectrum: number[][];
  quantiles: Record<string, number[]>; places?: number[][];
}
export interface Moved { across: string; up: string; to: [number, number] }
export interface PointAsked {
  asked: Record<string, number | string>; seed: number; noise: number; moved?: Moved;
}
export interface Neighbour { row: number; distance: number; place: number[]; picture: Picture }
export interface Nearest { usual: number[]; searched: number; nearest: Neighbour[] }
export interface Label { kinds: string[] | null; unit: string; values: (number | null)[] }
export interface Measured {
  space: { names: string[]; measured: boolean; dims: number; explained: number[] }; problem: string;
  held: null | {
    rows: number[]; total: number; places: number[][]; labels: Record<string, Label>; usual: number[];
  };
}
export interface Frame {
  position: number; asked: Record<string, number | string>;
  achieved: Record<string, number[]>; picture: Picture; nearby?: Nearby;
}
export interface WalkAsked {
  kind: "conditions" | "latent" | "rows"; start?: PointAsked; end?: PointAsked; rows?: number[];
  bend: "linear" | "spherical"; steps: number; n: number; seed: number;
}
export interface RegionAsked { ranges: Record<string, [number, number]>; n: number; seed: number }
export interface TakeAsked {
  what: "point" | "draws" | "walk" | "region"; format: string; n?: number;
  point?: PointAsked; walk?: WalkAsked; region?: RegionAsked;
}
export interface Statistic {
  label: string; unit: string; verdict: string; sentence: string;
  distance: null | { w1_sigma: { value: number; low: number; high: number } };
  floor: null | { w1_sigma: { value: number; low: number; high: number } };
  measured: { quantiles: number[]; median: number }; generated: { quantiles: number[]; median: number };
}
export interface Judged {
  measured: number; generated: number; sentences: string[]; statistics: Statistic[]; rule: string;
  classifiers: { name: string; test: { auc: number }; verdict: string; sentence: string }[];
}
export interface Placed {
  name: string; realisations: number; placed: number; outside: number; places: number[][]; note: string;
}
