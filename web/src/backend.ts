// Where channels come from: the server that runs the model, or the grid that was drawn beforehand.
import type {
  Band, Frame, Judged, Measured, Nearest, Placed, PointAsked, RegionAsked, Shown, SiteTold, TakeAsked, WalkAsked,
} from "./types";

export interface Backend {
  readonly live: boolean;
  site(): Promise<SiteTold>;
  state(): Promise<{ step: string; problem: string; held: boolean }>;
  measured(): Promise<Measured>;
  latents(across: string, up: string): Promise<{ places: number[][]; measured: boolean }>;
  point(asked: PointAsked): Promise<Shown>;
  band(asked: PointAsked): Promise<Band>;
  nearest(asked: PointAsked): Promise<Nearest>;
  walk(asked: WalkAsked): Promise<{ frames: Frame[] }>;
  compare(asked: RegionAsked, step: (said: string) => void): Promise<Judged>;
  lines(asked: TakeAsked): Promise<{ python: string | null; shell: string | null }>;
  take(asked: TakeAsked): Promise<Blob>;
  upload(file: File): Promise<Placed>;
}

const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));

async function answer(path: string, options?: RequestInit): Promise<Response> {
  for (let tried = 0; ; tried++) {
    let response: Response;
    try {
      response = await fetch(path, options);
    } catch {
      throw new Error("The server does not answer; is `chanvae explore` still running?");
    }
    if (response.ok) return response;
    if ((response.status === 429 || response.status === 503) && tried < 4) {
      await pause(300 * (tried + 1));
      continue;
    }
    const said = await response.json().catch(() => ({ error: `The server said ${response.status}.` }));
    throw new Error(said.error);
  }
}

const get = async (path: string) => (await answer(path)).json();
const request = (path: string, body: unknown) =>
  answer(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
const post = async (path: string, body: unknown) => (await request(path, body)).json();

export const server: Backend = {
  live: true,
  site: () => get("/api/site"),
  state: () => get("/api/state"),
  measured: () => get("/api/measured"),
  latents: (across, up) => post("/api/latents", { across, up }),
  point: (asked) => post("/api/point", asked),
  band: (asked) => post("/api/band", { point: asked, n: 64 }),
  nearest: (asked) => post("/api/nearest", asked),
  walk: (asked) => post("/api/walk", asked),
  async compare(asked, step) {
    const { job } = await post("/api/compare", asked);
    for (;;) {
      const state = await get(`/api/compare/${job}`);
      if (state.state === "done") return state.result;
      if (state.state === "failed") throw new Error(state.error);
      step(state.step);
      await pause(400);
    }
  },
  lines: (asked) => post("/api/lines", asked),
  take: async (asked) => (await request("/api/take", asked)).blob(),
  async upload(file) {
    const path = `/api/upload?name=${encodeURIComponent(file.name)}`;
    const headers = { "Content-Type": "application/octet-stream" };
    return (await answer(path, { method: "POST", headers, body: file })).json();
  },
};

/** The grid inside a page that was written with --export. */
export async function grid(packed: string): Promise<Backend> {
  const bytes = Uint8Array.from(atob(packed), (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  const told: SiteTold = await new Response(stream).json();
  const held = told.static!;
  const place = (axis: number, value: number) => {
    const a = told.axes[axis];
    const [low, high, v] = a.logarithmic
      ? [Math.log(a.low), Math.log(a.high), Math.log(Math.max(value, a.low))]
      : [a.low, a.high, value];
    return Math.min(Math.max((v - low) / (high - low), 0), 1);
  };
  const cell = (asked: Record<string, number | string>) => {
    const x = place(0, Number(asked[told.axes[0].name]));
    const y = told.axes.length > 1 ? place(1, Number(asked[told.axes[1].name])) : 0.5;
    let best = 0, least = Infinity;
    held.cells.forEach((c, k) => {
      const dx = ((c % held.across) + 0.5) / held.across - x;
      const dy = (Math.floor(c / held.across) + 0.5) / held.up - y;
      if (dx * dx + dy * dy < least) [best, least] = [k, dx * dx + dy * dy];
    });
    return best;
  };
  const shown = (asked: PointAsked) => held.points[cell(asked.asked)][(asked.seed + asked.noise) % held.draws];
  const absent = () => Promise.reject(new Error("This page has no model inside; start `chanvae explore` for it."));
  return {
    live: false,
    site: async () => told,
    state: async () => ({ step: "done", problem: "", held: false }),
    measured: absent,
    latents: absent,
    point: async (asked) => shown(asked),
    band: async (asked) => held.bands[cell(asked.asked)],
    nearest: absent,
    async walk(asked) {
      const frames: Frame[] = [];
      for (let k = 0; k < asked.steps; k++) {
        const t = k / (asked.steps - 1);
        const at: Record<string, number> = {};
        for (const a of told.axes) {
          const [p, q] = [Number(asked.start!.asked[a.name]), Number(asked.end!.asked[a.name])];
          at[a.name] = a.logarithmic ? p * (q / p) ** t : p + (q - p) * t;
        }
        const point = { ...asked.start!, asked: at };
        frames.push({
          position: t, asked: at, achieved: held.bands[cell(at)].quantiles, picture: shown(point),
          nearby: shown(point).nearby,
        });
      }
      return { frames };
    },
    compare: absent,
    lines: async (asked) => ({
      python: null,
      shell: asked.point ? held.shell[cell(asked.point.asked)].replace("{seed}", String(held.seed + ((asked.point.seed + asked.point.noise) % held.draws))) : null,
    }),
    take: absent,
    upload: absent,
  };
}
