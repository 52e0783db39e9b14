// The page: what is asked, who answers, and what is shown of it.
import "uplot/dist/uPlot.min.css";
import "./style.css";
import { grid, server, type Backend } from "./backend";
import { forgetTheme, KINDS, theme, viridis } from "./colours";
import { Curve, bandOf } from "./curves";
import { byId, decibels, digits, element, onAxis, ticks, unit } from "./format";
import { heat, type HeatAxes } from "./heat";
import { MapView } from "./map";
import { Panels } from "./panels";
import type { Axis, Band, Measured, Nearby, Picture, PointAsked, Shown, SiteTold } from "./types";

export interface Page {
  backend: Backend; site: SiteTold; asked: PointAsked; shown: Shown | null; band: Band | null;
  measured: Measured | null; map: MapView; view: "conditions" | "latents";
  region: Record<string, [number, number]> | null;
  place(values: Record<string, number | string | null | undefined>): [number, number] | null;
  present(picture: Picture, asked: Record<string, number | string>, band: Band | null): void;
  verdict(nearby: Nearby): void;
  back(): void;
  go(asked?: Record<string, number | string>): void;
  say(line: string): void;
  fail(error: unknown): void;
}

const SPREADS: Record<string, { short: string; si: string }> = {
  delay_spread: { short: "Delay spread", si: "s" }, angular_spread: { short: "Angular spread", si: "rad" },
};

async function start() {
  const inside = document.getElementById("grid");
  const backend = inside ? await grid(inside.textContent!.trim()) : server;
  const site = await backend.site();
  const { axes, pictures } = site;
  const map = new MapView(byId<HTMLCanvasElement>("map"), moved, drawnRegion);
  const page: Page = {
    backend, site, shown: null, band: null, measured: null, map, view: axes.length ? "conditions" : "latents",
    region: null, asked: { asked: { ...site.start }, seed: 0, noise: 0 }, place, present, verdict, back, go, say, fail,
  };

  // ---- axes of the map
  const toPlace = (a: Axis, v: number) => {
    const [low, high, at] = a.logarithmic ? [Math.log(a.low), Math.log(a.high), Math.log(Math.max(v, a.low))] : [a.low, a.high, v];
    return Math.min(Math.max((at - low) / (high - low), 0), 1);
  };
  const toValue = (a: Axis, p: number) => (a.logarithmic ? a.low * (a.high / a.low) ** p : a.low + p * (a.high - a.low));
  function place(values: Record<string, number | string | null | undefined>): [number, number] | null {
    const found = axes.map((a) => values[a.name]);
    if (!axes.length || found.some((v) => v === null || v === undefined)) return null;
    const [x, y] = axes.map((a, k) => toPlace(a, Number(found[k])));
    return [x, y ?? 0.5];
  }
  const title = (a: Axis) => `${a.label}${a.unit ? ` (${a.unit})` : ""}`;
  let latent = { across: "pc1", up: "pc2", span: [-4, 4, -4, 4] };
  function showConditions() {
    map.axes = { x: axes[0], y: axes[1] ?? null, xlabel: title(axes[0]), ylabel: axes[1] ? title(axes[1]) : "" };
    map.density = site.density;
    map.known = [toPlace(axes[0], axes[0].known_low), axes[1] ? toPlace(axes[1], axes[1].known_low) : 0,
      toPlace(axes[0], axes[0].known_high), axes[1] ? toPlace(axes[1], axes[1].known_high) : 1];
    map.points = page.measured?.held?.places ?? site.points;
    map.canvas.setAttribute("aria-label", `Map of ${axes.map((a) => a.label).join(" and ")}: density of ${site.training.toLocaleString("en")} training realisations`);
    mark();
  }
  async function showLatents() {
    if (!page.measured) {
      say("The latents are still being computed.");
      return;
    }
    try {
      const { places } = await backend.latents(latent.across, latent.up);
      const ends = [0, 1].flatMap((k) => {
        const values = places.map((p) => p[k]).sort((p, q) => p - q);
        const [low, high] = [values[Math.floor(0.002 * values.length)], values[Math.ceil(0.998 * (values.length - 1))]];
        return [low - 0.12 * (high - low), high + 0.12 * (high - low)];
      });
      latent.span = [ends[0], ends[1], ends[2], ends[3]];
      map.density = null;
      map.known = null;
      map.points = places.map(([x, y]) => [(x - ends[0]) / (ends[1] - ends[0]), (y - ends[2]) / (ends[3] - ends[2])]);
      const named = (n: string) => {
        const share = n.startsWith("pc") ? page.measured!.space.explained[Number(n.slice(2)) - 1] : NaN;
        return n.startsWith("pc") ? `principal direction ${n.slice(2)}, ${digits(100 * share, 2)} % of the variance` : `latent ${n.slice(1)}`;
      };
      map.axes = {
        x: { low: ends[0], high: ends[1], logarithmic: false, factor: 1 }, y: { low: ends[2], high: ends[3], logarithmic: false, factor: 1 },
        xlabel: named(latent.across), ylabel: named(latent.up),
      };
      map.canvas.setAttribute("aria-label", `Map of the latents: ${map.axes.xlabel} across, ${map.axes.ylabel} up`);
      mark();
    } catch (error) {
      fail(error);
    }
  }
  const show = () => (page.view === "conditions" ? showConditions() : showLatents());

  // ---- what has a place on the map
  function mark() {
    const m = map.marks, plain = page.view === "conditions";
    const [x0, x1, y0, y1] = latent.span, moved = page.asked.moved;
    m.point = plain ? place(page.asked.asked)
      : moved && moved.across === latent.across && moved.up === latent.up
        ? [(moved.to[0] - x0) / (x1 - x0), (moved.to[1] - y0) / (y1 - y0)] : null;
    m.achieved = plain && page.shown ? place(page.shown.achieved) : null;
    m.cloud = plain ? page.band?.places ?? [] : [];
    if (plain) panels.mark(m);
    else {
      [m.nearest, m.uploaded, m.route, m.a, m.b] = [[], [], [], null, null];
    }
    m.region = plain && page.region && axes.length > 1
      ? [toPlace(axes[0], page.region[axes[0].name][0]), toPlace(axes[1], page.region[axes[1].name][0]),
        toPlace(axes[0], page.region[axes[0].name][1]), toPlace(axes[1], page.region[axes[1].name][1])] : null;
    colours();
    map.redraw();
  }
  let coloured = "", legended = "";
  function colours() {
    const chosen = byId<HTMLSelectElement>("colour").value;
    const apart = page.view === "latents" && !page.measured?.space.measured;
    const label = chosen && !apart ? page.measured?.held?.labels[chosen] ?? null : null;
    const key = `${page.view}${chosen}${map.points.length}${document.documentElement.dataset.theme}${latent.across}${latent.up}`;
    if (key !== coloured) {
      coloured = key;
      map.colour = label;
      map.redraw(true);
    }
    const items: [string, string, string][] = [];
    if (label?.kinds) label.kinds.forEach((kind, k) => items.push(["dot", KINDS[k % KINDS.length], `${chosen} ${kind}`]));
    else if (label) items.push(["ramp", "", `${chosen.replaceAll("_", " ")}, low to high`]);
    else items.push(["dot", theme("points"), apart ? "drawn from the prior" : "measured"]);
    if (page.view === "conditions") {
      items.push(["ring", theme("asked"), "asked"], ["diamond", theme("achieved"), "achieved"]);
      if (map.marks.cloud.length) items.push(["hollow", theme("generated"), `${page.band?.draws} draws`]);
      if (map.marks.nearest.length) items.push(["square", theme("measured"), "nearest measured"]);
      if (map.marks.uploaded.length) items.push(["triangle", theme("uploaded"), "your file"]);
      items.push(["dashed", theme("soft"), "trained range"]);
    }
    const text = JSON.stringify(items);
    if (text === legended) return;
    legended = text;
    byId("legend").replaceChildren(...items.map(([shape, colour, said]) => {
      const swatch = element("span", { class: `swatch ${shape}`, "aria-hidden": "true" });
      if (shape === "ramp") swatch.style.background = `linear-gradient(90deg, ${[0, 0.25, 0.5, 0.75, 1].map(viridis).join(", ")})`;
      else swatch.style.color = colour;
      return element("li", {}, swatch, said);
    }));
  }

  // ---- the pictures
  const delays = Array.from({ length: pictures.delays }, (_, k) => 1e9 * (pictures.delay_start + k * pictures.delay_step));
  const degrees = pictures.angles.map((a) => (a * 180) / Math.PI);
  const profile = new Curve(byId("profile"), delays, "excess delay to the strongest path (ns)", pictures.depth_db);
  const spectrum = degrees.length ? new Curve(byId("spectrum"), degrees, "angle from broadside (degrees)", pictures.depth_db, [-90, -60, -30, 0, 30, 60, 90]) : null;
  if (!spectrum) byId("spectrum").append(element("p", { class: "none" }, "One antenna: no angles to see."));
  const span = delays.length > 1 ? delays[delays.length - 1] + 1e9 * pictures.delay_step - delays[0] : 1;
  const mapAxes: HeatAxes = {
    x: ticks(delays[0], delays[0] + span, false, 6).map((v) => ({ at: (v - delays[0]) / span, text: digits(v) })),
    y: pictures.spacing === null ? [] : [-60, -30, 0, 30, 60].map((d) => ({ at: 0.5 + pictures.spacing! * Math.sin((d * Math.PI) / 180), text: `${d}°` })).filter(({ at }) => at >= 0 && at <= 1),
    xlabel: "excess delay (ns)", ylabel: pictures.spacing === null ? "" : `angle, ${pictures.end === "rx" ? "receive" : "transmit"} side`,
  };
  const mid = (pictures.freq_low + pictures.freq_high) / 2, wide = pictures.freq_high - pictures.freq_low || 1;
  const fadeAxes: HeatAxes = {
    x: ticks((pictures.freq_low - mid) / 1e6, (pictures.freq_high - mid) / 1e6, false, 6).map((v) => ({ at: (v * 1e6 + mid - pictures.freq_low) / wide, text: digits(v) })),
    y: ticks(0, Math.max(pictures.antennas - 1, 1), false, 5).filter((v) => Number.isInteger(v) && v < pictures.antennas).map((v) => ({ at: (v + 0.5) / pictures.antennas, text: String(v) })),
    xlabel: "frequency about the middle (MHz)", ylabel: "antenna",
  };
  const scale = (id: string, low: string, high: string) => {
    const ramp = element("span", { class: "swatch ramp", "aria-hidden": "true" });
    ramp.style.background = `linear-gradient(90deg, ${[0, 0.25, 0.5, 0.75, 1].map(viridis).join(", ")})`;
    byId(id).replaceChildren(low, ramp, high);
  };
  scale("mapscale", `−${pictures.depth_db}`, "0 dB");
  scale("fadescale", `−${pictures.fade_db - 10}`, "+10 dB");
  let last: [Picture, Record<string, number | string>, Band | null] | null = null;
  function present(picture: Picture, asked: Record<string, number | string>, band: Band | null) {
    last = [picture, asked, band];
    heat(byId<HTMLCanvasElement>("anglemap"), picture.map, mapAxes);
    heat(byId<HTMLCanvasElement>("magnitude"), picture.magnitude, fadeAxes);
    const { delay_spread: ds, angular_spread: as } = picture.achieved;
    profile.show(picture.profile, ds != null && picture.mean_delay !== null ? { mean: 1e9 * picture.mean_delay, spread: 1e9 * ds, text: "" } : null, bandOf(band, "profile"));
    spectrum?.show(picture.spectrum, as != null && picture.mean_angle !== null ? { mean: (180 / Math.PI) * picture.mean_angle, spread: (180 / Math.PI) * as, text: "" } : null, bandOf(band, "spectrum"));
    byId("delaynote").textContent = ds != null ? `RMS ${unit(ds, "s")}` : "";
    byId("anglenote").textContent = as != null ? `spread ${unit(as, "rad")}` : "";
    const rows = Object.entries(SPREADS).filter(([name]) => name in picture.achieved || name in asked).map(([name, { short, si }]) => {
      const want = asked[name] as number | undefined, got = picture.achieved[name], q = band?.quantiles[name];
      const off = want && got ? `${got >= want ? "+" : "−"}${digits(100 * Math.abs(got / want - 1), 2)} %` : "";
      return element("div", {}, element("dt", {}, short),
        element("dd", {}, element("span", { class: "asked" }, want !== undefined ? unit(want, si) : "as drawn"), element("span", { class: "arrow", "aria-label": "asked, achieved" }, "→"),
          element("span", { class: "achieved" }, unit(got, si)), element("span", { class: "off" }, off),
          element("span", { class: "quantiles" }, q ? `${band!.draws} draws: ${unit(q[0], si)} to ${unit(q[2], si)}` : "")));
    });
    rows.push(element("div", {}, element("dt", {}, "Gain"), element("dd", {}, element("span", { class: "achieved" }, picture.gain_db === null ? "no power" : `${decibels(picture.gain_db)} dB`))));
    byId("spreads").replaceChildren(...rows);
  }
  const again = () => {
    if (last) present(...last);
  };
  new ResizeObserver(again).observe(byId("anglemap"));

  const VERDICT = {
    inside: ["Interpolation", "Inside the trained region"], sparse: ["Thin ground", "Few training realisations are near"],
    outside: ["Invention", "Outside the trained region: nothing measured backs this channel"],
  };
  function verdict(nearby: Nearby) {
    const [word, said] = VERDICT[nearby.verdict];
    byId("verdict").dataset.verdict = nearby.verdict;
    byId("where").replaceChildren(element("strong", {}, word), ` ${said}. `, element("span", {}, `${nearby.count.toLocaleString("en")} of ${site.training.toLocaleString("en")} training realisations within 10 % of what is asked.`));
  }

  /** From a stop of a walk back to the point. */
  function back() {
    if (!page.shown) return;
    present(page.shown, page.shown.asked, page.band);
    verdict(page.shown.nearby);
    mark();
  }

  // ---- asking: one question at a time, always for the newest place
  let wanted: PointAsked | null = null, busy = false, settled = 0;
  let frames = 0;
  function go(values?: Record<string, number | string>) {
    if (values) {
      page.asked = { ...page.asked, asked: { ...page.asked.asked, ...values } };
      if (!byId<HTMLInputElement>("keep").checked) page.asked.seed = Math.floor(Math.random() * 2 ** 31);
    }
    wanted = page.asked;
    page.band = null;
    inputs();
    mark();
    clearTimeout(settled);
    void ask();
  }
  async function ask() {
    if (busy) return;
    busy = true;
    while (wanted) {
      const now: PointAsked = wanted;
      wanted = null;
      try {
        const shown = await backend.point(now);
        page.shown = shown;
        if (!backend.live) page.asked = { ...page.asked, asked: { ...page.asked.asked, ...shown.asked } };
        present(shown, shown.asked, null);
        verdict(shown.nearby);
        mark();
        frames += 1;
        document.documentElement.dataset.frames = String(frames);
        if (frames % 1000 === 0) performance.clearMarks("frame");
        performance.mark("frame");
        ok();
      } catch (error) {
        fail(error);
        break;
      }
    }
    busy = false;
    settled = window.setTimeout(settle, 180);
  }
  async function settle() {
    const now = page.asked, shown = page.shown;
    if (!shown) return;
    const got = Object.entries(SPREADS).filter(([n]) => n in shown.achieved).map(([n, s]) => `${s.short} ${unit(shown.achieved[n], s.si)}`);
    say(`${axes.map((a) => `asked ${a.label} ${onAxis(a, Number(shown.asked[a.name]))}`).join(", ")}; achieved ${got.join(", ")}; ${VERDICT[shown.nearby.verdict][1]}`);
    byId("anglemap").setAttribute("aria-label", `Angle-delay power; strongest at 0 dB, shown down to −${pictures.depth_db} dB`);
    byId("magnitude").setAttribute("aria-label", `Magnitude over frequency and ${pictures.antennas} antennas`);
    byId("profile").setAttribute("aria-label", `Power-delay profile, RMS delay spread ${unit(shown.achieved.delay_spread, "s")}`);
    byId("spectrum").setAttribute("aria-label", `Angular spectrum, angular spread ${unit(shown.achieved.angular_spread, "rad")}`);
    panels.settled();
    if (!byId<HTMLInputElement>("band").checked) return;
    try {
      const band = await backend.band(now);
      if (now !== page.asked || wanted) return;
      page.band = band;
      if (!panels.walking) present(shown, shown.asked, band);
      mark();
    } catch (error) {
      fail(error);
    }
  }
  function moved(at: [number, number]) {
    panels.stop();
    if (page.view === "conditions") {
      if (!axes.length) return;
      page.asked = { ...page.asked, moved: undefined };
      go(Object.fromEntries(axes.map((a, k) => [a.name, toValue(a, at[k])])));
    } else if (page.measured) {
      const [x0, x1, y0, y1] = latent.span;
      page.asked = { ...page.asked, moved: { across: latent.across, up: latent.up, to: [x0 + at[0] * (x1 - x0), y0 + at[1] * (y1 - y0)] } };
      byId<HTMLButtonElement>("release").disabled = false;
      go();
    }
  }
  function drawnRegion(r: [number, number, number, number], done: boolean) {
    if (page.view !== "conditions" || axes.length < 2) return;
    page.region = { [axes[0].name]: [toValue(axes[0], r[0]), toValue(axes[0], r[2])], [axes[1].name]: [toValue(axes[1], r[1]), toValue(axes[1], r[3])] };
    if (done && (r[2] - r[0] < 0.01 || r[3] - r[1] < 0.01)) page.region = null;
    mark();
    if (done) panels.region();
  }

  // ---- what is typed
  const typed = new Map<string, HTMLInputElement | HTMLSelectElement>();
  for (const condition of site.conditions) {
    const axis = axes.find((a) => a.name === condition.name), label = condition.name.replaceAll("_", " ");
    if (condition.categories.length) {
      const select = element("select", { name: condition.name }, element("option", { value: "" }, "as in the data"), ...condition.categories.map((c) => element("option", { value: c }, c)));
      select.addEventListener("change", () => {
        const { [condition.name]: _, ...rest } = page.asked.asked;
        page.asked = { ...page.asked, asked: select.value ? { ...rest, [condition.name]: select.value } : rest };
        go();
      });
      typed.set(condition.name, select);
      byId("inputs").append(element("label", { class: "field" }, label, select));
    } else {
      const input = element("input", { type: "number", step: "any", name: condition.name, inputmode: "decimal", ...(axis ? {} : { placeholder: "as in the data" }) });
      input.addEventListener("change", () => {
        if (input.value === "" && !axis) {
          const { [condition.name]: _, ...rest } = page.asked.asked;
          page.asked = { ...page.asked, asked: rest };
          go();
        } else if (isFinite(input.valueAsNumber)) go({ [condition.name]: input.valueAsNumber / (axis?.factor ?? 1) });
      });
      typed.set(condition.name, input);
      byId("inputs").append(element("label", { class: "field" }, `${label}${axis?.unit ? ` (${axis.unit})` : ""}`, input));
    }
  }
  byId("asking").addEventListener("submit", (e) => e.preventDefault());
  function inputs() {
    for (const axis of axes) {
      const input = typed.get(axis.name)!;
      if (document.activeElement !== input) input.value = Number((Number(page.asked.asked[axis.name]) * axis.factor).toPrecision(4)).toString();
    }
    byId<HTMLInputElement>("seed").value = String(page.asked.seed);
  }
  const redraw = () => {
    page.asked = { ...page.asked, seed: (page.asked.seed + 1) % 2 ** 31, noise: 0 };
    go();
  };
  const renoise = () => {
    page.asked = { ...page.asked, noise: page.asked.noise + 1 };
    go();
  };
  byId("redraw").addEventListener("click", redraw);
  byId("renoise").addEventListener("click", renoise);
  byId<HTMLInputElement>("seed").addEventListener("change", (e) => {
    const value = (e.target as HTMLInputElement).valueAsNumber;
    if (Number.isInteger(value) && value >= 0 && value < 2 ** 31) {
      page.asked = { ...page.asked, seed: value, noise: 0 };
      go();
    }
  });
  byId("band").addEventListener("change", () => {
    page.band = null;
    again();
    void settle();
  });
  byId("colour").addEventListener("change", mark);
  for (const radio of document.querySelectorAll<HTMLInputElement>("input[name=tool]")) radio.addEventListener("change", () => (map.tool = radio.value as "point"));
  for (const radio of document.querySelectorAll<HTMLInputElement>("input[name=view]")) {
    radio.addEventListener("change", () => {
      page.view = radio.value as "conditions";
      byId("directions").hidden = page.view === "conditions";
      map.regions = page.view === "conditions";
      void show();
    });
  }
  for (const id of ["across", "up"] as const) {
    byId<HTMLInputElement>(id).addEventListener("change", (e) => {
      latent = { ...latent, [id]: (e.target as HTMLInputElement).value.trim() };
      void showLatents();
    });
  }
  byId("release").addEventListener("click", () => {
    page.asked = { ...page.asked, moved: undefined };
    byId<HTMLButtonElement>("release").disabled = true;
    go();
  });
  map.canvas.addEventListener("keydown", (e) => {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[e.key];
    if (!step) return;
    e.preventDefault();
    const far = e.shiftKey ? 0.1 : 0.01, from = map.marks.point ?? [0.5, 0.5];
    moved([Math.min(Math.max(from[0] + far * step[0], 0), 1), Math.min(Math.max(from[1] + far * step[1], 0), 1)]);
  });
  document.addEventListener("keydown", (e) => {
    const typing = (e.target as HTMLElement).closest("input:not([type=checkbox]):not([type=radio]), select, textarea, dialog[open]");
    if (typing || e.ctrlKey || e.metaKey || e.altKey) return;
    const key = e.key.toLowerCase();
    if (key === "n") redraw();
    else if (key === "m" && backend.live) renoise();
    else if (key === "a" || key === "b") panels.end(key);
    else if (e.key === " " && !(e.target as HTMLElement).closest("button, [role=tab], label")) {
      if (panels.play()) e.preventDefault();
    } else if (e.key === "?") byId<HTMLDialogElement>("keys").showModal();
  });
  byId("help").addEventListener("click", () => byId<HTMLDialogElement>("keys").showModal());

  // ---- theme
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const paint = (name: string) => {
    document.documentElement.dataset.theme = name;
    forgetTheme();
    profile.build();
    spectrum?.build();
    legended = "";
    map.redraw(true);
    again();
    colours();
    panels.repaint();
  };
  byId("theme").addEventListener("click", () => paint(document.documentElement.dataset.theme === "dark" ? "light" : "dark"));
  dark.addEventListener("change", () => paint(dark.matches ? "dark" : "light"));

  // ---- words
  function say(line: string) {
    byId("live").textContent = line;
  }
  function fail(error: unknown) {
    const box = byId("alert");
    box.textContent = error instanceof Error ? error.message : String(error);
    box.hidden = false;
  }
  function ok() {
    byId("alert").hidden = true;
  }
  const [rx, tx, time, freq] = site.shape;
  byId("run").replaceChildren(element("strong", {}, site.name.split("/").filter(Boolean).slice(-1)[0] ?? site.name),
    ` ${[`${rx} × ${tx} antennas`, time > 1 ? `${time} times` : "", `${freq} frequencies`, site.bandwidth ? `over ${unit(site.bandwidth, "Hz")}` : "", site.carrier ? `at ${unit(site.carrier, "Hz")}` : ""].filter(Boolean).join(" · ")} · ${site.training.toLocaleString("en")} training realisations`);
  byId("foot").textContent = `chanvae ${site.version}${site.static ? ` · ${site.static.note}` : ""} · Everything on this page is served by this machine.`;
  if (site.static) byId("foot").textContent = `chanvae ${site.version} · ${site.static.note}`;
  document.title = `${site.name.split("/").filter(Boolean).slice(-1)[0]} · chanvae explore`;

  const panels = new Panels(page, mark);
  document.documentElement.dataset.theme = dark.matches ? "dark" : "light";
  if (!backend.live) {
    document.body.classList.add("static");
    byId("renoise").hidden = true;
    for (const id of ["tab-nearest", "tab-compare", "tab-upload"]) byId(id).hidden = true;
    document.querySelector<HTMLInputElement>("input[name=view][value=latents]")!.disabled = true;
    document.querySelector<HTMLInputElement>("input[name=tool][value=region]")!.disabled = true;
    panels.open("walk");
  }
  inputs();
  if (axes.length) showConditions();
  else {
    document.querySelector<HTMLInputElement>("input[name=view][value=conditions]")!.disabled = true;
    document.querySelector<HTMLInputElement>("input[name=view][value=latents]")!.checked = true;
    byId("directions").hidden = false;
  }
  paint(document.documentElement.dataset.theme);
  go();
  if (backend.live) void follow();

  /** Wait until the measured realisations are read, then show what they add. */
  async function follow() {
    for (;;) {
      const state = await backend.state().catch(() => null);
      if (!state) return;
      byId("reading").textContent = state.step === "done" ? "" : `${state.step} …`;
      if (state.step === "done") break;
      await new Promise((done) => setTimeout(done, 500));
    }
    try {
      page.measured = await backend.measured();
    } catch (error) {
      return fail(error);
    }
    const { held, space, problem } = page.measured;
    if (problem) {
      byId("reading").textContent = "measured set not at hand";
      byId("reading").title = problem;
    }
    if (held) for (const name of Object.keys(held.labels)) byId("colour").append(element("option", { value: name }, name.replaceAll("_", " ")));
    byId("latentnames").append(...[...space.names, ...Array.from({ length: Math.min(space.dims, 64) }, (_, k) => `z${k + 1}`)].map((n) => element("option", { value: n })));
    document.documentElement.dataset.measured = held ? "ready" : "absent";
    await show();
    panels.settled();
  }
}

start().catch((error) => {
  const box = byId("alert");
  box.textContent = error instanceof Error ? error.message : String(error);
  box.hidden = false;
});
