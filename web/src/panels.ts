// What one does with the point: neighbours, walks, a region judged, files, an own file.
import { theme } from "./colours";
import { Along } from "./curves";
import { byId, digits, element, onAxis, unit } from "./format";
import { fit, image } from "./heat";
import type { Page } from "./main";
import type { Marks } from "./map";
import type { Frame, Judged, Nearest, Placed, PointAsked, RegionAsked, Statistic, TakeAsked, WalkAsked } from "./types";

const TABS = ["nearest", "walk", "compare", "take", "upload"];
const SNAPSHOTS = 7;

export class Panels {
  walking = false;
  private open_ = "nearest";
  private ends: { a: PointAsked | null; b: PointAsked | null } = { a: null, b: null };
  private frames: Frame[] = [];
  private walked: WalkAsked | null = null;
  private timer = 0;
  private near: Nearest | null = null;
  private placed: Placed | null = null;
  private along: { delay_spread: Along; angular_spread: Along };
  private judged: Judged | null = null;

  constructor(private readonly page: Page, private readonly mark_: () => void) {
    const tabs = TABS.map((name) => byId(`tab-${name}`));
    tabs.forEach((tab, k) => {
      tab.addEventListener("click", () => this.open(TABS[k]));
      tab.addEventListener("keydown", (e) => {
        const way = { ArrowRight: 1, ArrowLeft: -1 }[e.key];
        if (!way) return;
        e.preventDefault();
        let to = k;
        do to = (to + way + tabs.length) % tabs.length;
        while (tabs[to].hidden);
        this.open(TABS[to]);
        tabs[to].focus();
      });
    });
    byId("nearest").append(element("p", { id: "nearsaid", class: "lead" }, "Reading the measured set …"), element("div", { id: "neighbours", class: "neighbours" }));
    this.buildWalk();
    this.buildCompare();
    this.buildTake();
    this.buildUpload();
    this.along = { delay_spread: new Along(byId("alongds"), "delay spread (ns)"), angular_spread: new Along(byId("alongas"), "angular spread (°)") };
  }

  open(name: string) {
    this.open_ = name;
    for (const other of TABS) {
      const tab = byId(`tab-${other}`), chosen = other === name;
      tab.setAttribute("aria-selected", String(chosen));
      tab.tabIndex = chosen ? 0 : -1;
      byId(other).hidden = !chosen;
    }
    if (this.walking && name !== "walk") {
      this.stop();
      this.page.back();
    }
    if (name === "nearest") void this.nearest();
    if (name === "take") void this.lines();
    if (name === "walk") this.repaint();
    this.mark_();
  }

  /** The point has come to rest. */
  settled() {
    if (this.open_ === "nearest") void this.nearest();
    if (this.open_ === "take") void this.lines();
  }

  mark(m: Marks) {
    const of = (p: PointAsked | null) => (p ? this.page.place(p.asked) : null);
    m.nearest = this.open_ === "nearest" && this.near ? this.near.nearest.map((n) => n.place) : [];
    m.uploaded = this.placed?.places ?? [];
    [m.a, m.b] = [of(this.ends.a), of(this.ends.b)];
    m.route = this.open_ === "walk" ? this.frames.map((f) => this.page.place(f.asked)).filter((p): p is [number, number] => !!p) : [];
    if (this.walking && this.frames.length) {
      const frame = this.frames[this.at];
      m.point = this.page.place(frame.asked);
      m.achieved = this.page.place(frame.picture.achieved);
      m.cloud = [];
    }
  }

  repaint() {
    if (this.frames.length) this.showWalk();
    if (this.near) this.showNearest();
    if (this.judged) this.showJudged(this.judged);
  }

  // ---- nearest measured
  private async nearest() {
    const { page } = this;
    if (!page.backend.live) return;
    if (!page.measured?.held) {
      byId("nearsaid").textContent = page.measured
        ? `The measured set is not at hand: ${page.measured.problem}. The map shows what the run keeps of it.`
        : "Reading the measured set …";
      return;
    }
    const asked = page.asked;
    try {
      const found = await page.backend.nearest(asked);
      if (asked !== page.asked) return;
      this.near = found;
      this.showNearest();
      this.mark_();
    } catch (error) {
      page.fail(error);
    }
  }
  private showNearest() {
    const { usual, searched, nearest } = this.near!;
    const d = nearest[0].distance;
    const said = d < usual[1] ? "This is nearly a copy: nearer to a measured realisation than 99 % of measured ones are to each other."
      : d <= usual[2] ? "As near to a measured realisation as measured ones are to each other: new, and of the same kind."
        : "Farther from every measured realisation than nine of ten measured ones are from each other.";
    byId("nearsaid").replaceChildren(element("strong", {}, said), ` Distance ${digits(d, 2)}; between measured ones ${digits(usual[0], 2)} in the middle, nine of ten below ${digits(usual[2], 2)}. ${searched.toLocaleString("en")} searched.`);
    byId("nearsaid").title = this.page.site.distance;
    const cards = nearest.map((n, k) => {
      const canvas = element("canvas", { role: "img", "aria-label": `Angle-delay power of realisation ${n.row}` });
      const use = (end: "a" | "b") => {
        const button = element("button", { class: "quiet", "aria-label": `Walk ${end === "a" ? "from" : "to"} realisation ${n.row}` }, end === "a" ? "Walk from" : "Walk to");
        button.addEventListener("click", () => {
          byId<HTMLInputElement>(`row${end}`).value = String(n.row);
          byId<HTMLSelectElement>("kind").value = "rows";
          byId("kind").dispatchEvent(new Event("change"));
          this.open("walk");
        });
        return button;
      };
      const { delay_spread: ds, angular_spread: as } = n.picture.achieved;
      const made = element("article", { class: "neighbour" }, element("h4", {}, element("span", { class: "badge" }, String(k + 1)), ` Realisation ${n.row}`), canvas,
        element("p", {}, `distance ${digits(n.distance, 2)}`, element("br"), [ds != null ? unit(ds, "s") : "", as != null ? unit(as, "rad") : ""].filter(Boolean).join(" · ")),
        element("p", { class: "row small" }, use("a"), use("b")));
      requestAnimationFrame(() => picture(canvas, n.picture.map));
      return made;
    });
    byId("neighbours").replaceChildren(...cards);
  }

  // ---- walks
  private at = 0;
  private buildWalk() {
    const rows = element("span", { id: "rows", class: "row", hidden: "" },
      element("label", { class: "field" }, "From realisation", element("input", { id: "rowa", type: "number", min: "0", step: "1", value: "0" })),
      element("label", { class: "field" }, "to", element("input", { id: "rowb", type: "number", min: "0", step: "1", value: "1" })));
    const points = element("span", { id: "ends", class: "row" }, element("button", { id: "enda" }, "A is here"), element("button", { id: "endb" }, "B is here"), element("span", { id: "endsaid", class: "hint" }, "Move the point, then say where the walk begins and ends."));
    const kinds: [string, string][] = [["conditions", "two points, same noise"], ["latent", "two points, through the latents"], ["rows", "two measured realisations"]];
    const kind = element("select", { id: "kind" }, ...(this.page.backend.live ? kinds : kinds.slice(0, 1)).map(([v, t]) => element("option", { value: v }, t)));
    const bend = element("select", { id: "bend" }, element("option", { value: "spherical" }, "great circle"), element("option", { value: "linear" }, "straight line"));
    const bendField = element("label", { class: "field", id: "bendfield", hidden: "" }, "Way", bend);
    kind.addEventListener("change", () => {
      byId("rows").hidden = kind.value !== "rows";
      byId("ends").hidden = kind.value === "rows";
      bendField.hidden = kind.value === "conditions";
    });
    const slider = element("input", { id: "slide", type: "range", min: "0", max: "24", value: "0", step: "1", "aria-label": "Along the walk" });
    slider.addEventListener("input", () => {
      clearInterval(this.timer);
      byId("play").textContent = "Play";
      this.show(Number(slider.value));
    });
    byId("walk").append(element("div", { class: "row" }, element("label", { class: "field" }, "Between", kind), bendField, points, rows, element("button", { id: "go", class: "primary" }, "Walk")),
      element("div", { id: "walked", hidden: "" },
        element("div", { class: "row slide" }, element("button", { id: "play", class: "primary" }, "Play"), slider, element("output", { id: "slideat" })),
        element("div", { id: "strip", class: "strip" }),
        element("div", { class: "alongs" }, element("div", { id: "alongds", class: "plot small", role: "img", "aria-label": "Delay spread along the walk" }), element("div", { id: "alongas", class: "plot small", role: "img", "aria-label": "Angular spread along the walk" })),
        element("p", { class: "hint" }, "Dashed: asked. Line: the middle of what came out, with 10 to 90 % of the draws at each stop.")));
    byId("enda").addEventListener("click", () => this.end("a"));
    byId("endb").addEventListener("click", () => this.end("b"));
    byId("go").addEventListener("click", () => void this.walk());
    byId("play").addEventListener("click", () => this.play());
  }
  end(which: "a" | "b") {
    this.ends[which] = { ...this.page.asked };
    this.endsSaid();
    this.mark_();
    this.page.say(`The walk ${which === "a" ? "begins" : "ends"} here.`);
  }
  private endsSaid() {
    const one = (p: PointAsked | null) => (p ? this.page.site.axes.map((a) => onAxis(a, Number(p.asked[a.name]))).join(", ") : "not yet");
    byId("endsaid").textContent = `A: ${one(this.ends.a)} · B: ${one(this.ends.b)}`;
  }
  private asked(): WalkAsked | null {
    const kind = byId<HTMLSelectElement>("kind").value as WalkAsked["kind"], bend = byId<HTMLSelectElement>("bend").value as "linear";
    const common = { kind, bend, steps: 25, n: 8, seed: this.page.asked.seed };
    if (kind === "rows") {
      const rows = ["rowa", "rowb"].map((id) => byId<HTMLInputElement>(id).valueAsNumber);
      return rows.every((r) => Number.isInteger(r) && r >= 0) ? { ...common, rows } : null;
    }
    const { a, b } = this.ends;
    if (!a || !b) return null;
    return { ...common, start: a, end: kind === "conditions" ? { ...b, seed: a.seed, noise: a.noise } : b };
  }
  private async walk() {
    const asked = this.asked();
    if (!asked) return this.page.fail(new Error("Say where the walk begins and ends first."));
    const button = byId<HTMLButtonElement>("go");
    button.disabled = true;
    button.textContent = "Walking …";
    try {
      this.frames = (await this.page.backend.walk(asked)).frames;
      this.walked = asked;
      byId("walked").hidden = false;
      byId("alert").hidden = true;
      byId<HTMLInputElement>("slide").max = String(this.frames.length - 1);
      this.showWalk();
      this.show(0);
      document.documentElement.dataset.walk = String(this.frames.length);
    } catch (error) {
      this.page.fail(error);
    }
    button.disabled = false;
    button.textContent = "Walk";
  }
  private showWalk() {
    const { frames } = this;
    const chosen = [...new Set(Array.from({ length: SNAPSHOTS }, (_, k) => Math.round((k / (SNAPSHOTS - 1)) * (frames.length - 1))))];
    byId("strip").replaceChildren(...chosen.map((k) => {
      const canvas = element("canvas", { "aria-hidden": "true" });
      const button = element("button", { class: "snapshot", "aria-label": `Stop ${k + 1} of ${frames.length}` }, canvas, element("span", {}, `${Math.round(100 * frames[k].position)} %`));
      button.addEventListener("click", () => {
        byId<HTMLInputElement>("slide").value = String(k);
        this.show(k);
      });
      requestAnimationFrame(() => picture(canvas, frames[k].picture.map));
      return button;
    }));
    const position = frames.map((f) => f.position);
    for (const [name, factor] of [["delay_spread", 1e9], ["angular_spread", 180 / Math.PI]] as const) {
      const found = frames.map((f) => (f.achieved[name] ?? []).map((v) => v * factor));
      byId(name === "delay_spread" ? "alongds" : "alongas").hidden = !found[0].length;
      if (found[0].length) this.along[name].show(position, frames.map((f) => (f.asked[name] === undefined ? null : Number(f.asked[name]) * factor)), found, frames[this.at]?.position ?? 0);
    }
  }
  private show(k: number) {
    this.at = Math.min(k, this.frames.length - 1);
    this.walking = true;
    const frame = this.frames[this.at];
    this.page.present(frame.picture, frame.asked, null);
    if (frame.nearby) this.page.verdict(frame.nearby);
    for (const a of Object.values(this.along)) a.move(frame.position);
    byId("slideat").textContent = `${Math.round(100 * frame.position)} %`;
    byId("slide").setAttribute("aria-valuetext", `${Math.round(100 * frame.position)} % of the way`);
    this.mark_();
  }
  /** Play or pause; false where there is no walk. */
  play(): boolean {
    if (!this.frames.length) return false;
    const button = byId("play"), slider = byId<HTMLInputElement>("slide");
    if (button.textContent === "Pause") {
      clearInterval(this.timer);
      button.textContent = "Play";
      return true;
    }
    button.textContent = "Pause";
    if (this.at >= this.frames.length - 1) this.at = -1;
    this.timer = window.setInterval(() => {
      const next = this.at + 1;
      slider.value = String(next);
      this.show(next);
      if (next >= this.frames.length - 1) {
        clearInterval(this.timer);
        button.textContent = "Play";
      }
    }, 120);
    return true;
  }
  /** The point is moved: the walk no longer says what is shown. */
  stop() {
    clearInterval(this.timer);
    this.walking = false;
    byId("play").textContent = "Play";
  }

  // ---- a region compared
  private buildCompare() {
    const fields = this.page.site.axes.flatMap((a) => (["0", "1"] as const).map((end) =>
      element("label", { class: "field" }, `${a.label} ${end === "0" ? "from" : "to"}${a.unit ? ` (${a.unit})` : ""}`, element("input", { type: "number", step: "any", id: `region-${a.name}-${end}` }))));
    byId("compare").append(element("p", { class: "lead" }, "Drag a region on the map with the tool Region, or type it. Measured realisations in it are compared with as many generated for their conditions, by the code of ", element("code", {}, "chanvae compare"), "."),
      element("div", { class: "row" }, ...fields, element("button", { id: "judge", class: "primary" }, "Compare")),
      element("p", { id: "judging", class: "hint", role: "status" }), element("div", { id: "judged" }));
    for (const a of this.page.site.axes) for (const end of ["0", "1"]) byId(`region-${a.name}-${end}`).addEventListener("change", () => this.typedRegion());
    byId("judge").addEventListener("click", () => void this.compare());
  }
  private typedRegion() {
    const found: Record<string, [number, number]> = {};
    for (const a of this.page.site.axes) {
      const [low, high] = ["0", "1"].map((end) => byId<HTMLInputElement>(`region-${a.name}-${end}`).valueAsNumber / a.factor);
      if (!isFinite(low) || !isFinite(high)) return;
      found[a.name] = [low, high];
    }
    this.page.region = found;
    this.mark_();
  }
  /** A region was drawn. */
  region() {
    for (const a of this.page.site.axes) {
      ["0", "1"].forEach((end, k) => {
        const range = this.page.region?.[a.name];
        byId<HTMLInputElement>(`region-${a.name}-${end}`).value = range ? String(Number((range[k] * a.factor).toPrecision(4))) : "";
      });
    }
    if (this.page.region && this.open_ !== "take") this.open("compare");
    else if (this.page.region) void this.lines();
  }
  private regionAsked(): RegionAsked | null {
    return this.page.region ? { ranges: this.page.region, n: 500, seed: this.page.asked.seed } : null;
  }
  private async compare() {
    const asked = this.regionAsked();
    if (!asked) return this.page.fail(new Error("Draw a region on the map first, or type it."));
    const button = byId<HTMLButtonElement>("judge"), said = byId("judging");
    button.disabled = true;
    try {
      this.judged = await this.page.backend.compare(asked, (step) => (said.textContent = `${step} …`));
      said.textContent = "";
      this.showJudged(this.judged);
    } catch (error) {
      said.textContent = error instanceof Error ? error.message : String(error);
    }
    button.disabled = false;
  }
  private showJudged(found: Judged) {
    const row = (s: Statistic) => {
      const canvas = element("canvas", { role: "img", "aria-label": `Distributions of ${s.label}, measured and generated` });
      requestAnimationFrame(() => distributions(canvas, s));
      const w = s.distance?.w1_sigma;
      return element("tr", {}, element("th", { scope: "row" }, s.label), element("td", { class: "dist" }, canvas),
        element("td", { class: "num" }, w ? digits(w.value, 2) : "constant"), element("td", { class: "num soft" }, s.floor ? digits(s.floor.w1_sigma.value, 2) : "–"),
        element("td", {}, element("span", { class: `chip ${s.verdict.split(" ")[0]}` }, s.verdict)));
    };
    const auc = found.classifiers.map((c) => element("p", {}, c.sentence.replace(/^./, (x) => x.toUpperCase()), "."));
    byId("judged").replaceChildren(
      ...found.sentences.filter((s) => !s.includes("--training")).map((s) => element("p", { class: "sentence" }, s)),
      element("p", { class: "hint" }, `${found.measured.toLocaleString("en")} measured and ${found.generated.toLocaleString("en")} generated realisations. W1/σ: how far the distributions are apart, over the measured standard deviation; the floor is what measured data have against themselves.`),
      element("div", { class: "tablebox", tabindex: "0", role: "region", "aria-label": "Statistics" }, element("table", { class: "stats" }, element("thead", {}, element("tr", {}, element("th", { scope: "col" }, "Statistic"), element("th", { scope: "col" }, element("span", { class: "keyline measured" }, "measured"), " ", element("span", { class: "keyline generated" }, "generated")), ...["W1/σ", "Floor", "Verdict"].map((t) => element("th", { scope: "col" }, t)))), element("tbody", {}, ...found.statistics.map(row)))),
      ...auc);
  }

  // ---- taking along
  private buildTake() {
    const { live } = this.page.backend;
    const whats: [string, string][] = [["point", "the channel at the point"], ["draws", "64 draws at the point"], ["walk", "the walk"], ["region", "500 channels of the region"]];
    const what = element("select", { id: "what" }, ...(live ? whats : whats.slice(0, 1)).map(([v, t]) => element("option", { value: v }, t)));
    const format = element("select", { id: "format" }, ...[["h5", "chanvae, HDF5 (.h5)"], ["mat", "MATLAB (.mat)"], ["npz", "numpy (.npz)"]].map(([v, t]) => element("option", { value: v }, t)));
    what.addEventListener("change", () => void this.lines());
    format.addEventListener("change", () => void this.lines());
    const download = element("button", { id: "download", class: "primary" }, "Download");
    download.addEventListener("click", () => void this.download());
    const code = (id: string, title: string) => {
      const copy = element("button", { class: "quiet", id: `copy-${id}` }, "Copy");
      copy.addEventListener("click", async () => {
        await copyText(byId(id).textContent ?? "");
        copy.textContent = "Copied";
        setTimeout(() => (copy.textContent = "Copy"), 1500);
      });
      return element("div", { class: "code", id: `${id}box` }, element("div", { class: "codehead" }, element("span", {}, title), copy), element("pre", { tabindex: "0" }, element("code", { id })));
    };
    byId("take").append(
      ...(live ? [element("div", { class: "row" }, element("label", { class: "field" }, "Take", what), element("label", { class: "field" }, "as", format), download, element("span", { id: "took", class: "hint", role: "status" }))] : [element("p", { class: "lead" }, "This page holds pictures of channels, not the channels themselves; with the run at hand this command makes them:"), what]),
      code("shell", "Command line"), code("python", "Python"));
    if (!live) what.hidden = true;
  }
  private taking(): TakeAsked {
    const what = byId<HTMLSelectElement>("what").value as TakeAsked["what"];
    const format = byId<HTMLSelectElement>("format")?.value ?? "h5";
    if (what === "walk") {
      const walk = this.walked ?? this.asked();
      if (!walk) throw new Error("There is no walk yet: make one under Walk.");
      return { what, format, walk };
    }
    if (what === "region") {
      const region = this.regionAsked();
      if (!region) throw new Error("There is no region yet: draw one on the map with the tool Region.");
      return { what, format, region };
    }
    return { what, format, point: this.page.asked, n: what === "draws" ? 64 : 1 };
  }
  private async lines() {
    try {
      const { shell, python } = await this.page.backend.lines(this.taking());
      byId("shell").textContent = shell ?? "The command line has no option for this; the lines of Python make it.";
      byId("python").textContent = python ?? "";
      byId("pythonbox").hidden = python === null;
      byId("copy-shell").hidden = shell === null;
    } catch (error) {
      byId("shell").textContent = error instanceof Error ? error.message : String(error);
      byId("python").textContent = "";
      byId("pythonbox").hidden = byId("copy-shell").hidden = true;
    }
  }
  private async download() {
    const said = byId("took");
    try {
      const asked = this.taking();
      said.textContent = "Making the file …";
      const url = URL.createObjectURL(await this.page.backend.take(asked));
      const link = element("a", { href: url, download: `${asked.what}.${asked.format}` });
      document.body.append(link);
      link.click();
      link.remove();
      setTimeout(() => URL.revokeObjectURL(url), 10000);
      said.textContent = `${asked.what}.${asked.format}`;
    } catch (error) {
      said.textContent = error instanceof Error ? error.message : String(error);
    }
  }

  // ---- an own file
  private buildUpload() {
    const input = element("input", { type: "file", id: "file", accept: ".h5,.hdf5,.mat,.npz,.npy" });
    const remove = element("button", { class: "quiet", hidden: "" }, "Remove from the map");
    const said = element("p", { id: "filesaid", class: "lead", role: "status" });
    const drop = element("div", { class: "drop" }, element("label", { class: "field" }, "A measured file, as ", element("code", {}, "chanvae inspect"), " reads it without options", input), remove);
    const send = async (file: File | undefined) => {
      if (!file) return;
      said.textContent = `Reading ${file.name} …`;
      try {
        const p = (this.placed = await this.page.backend.upload(file));
        said.textContent = `${p.name}: ${p.placed.toLocaleString("en")} of ${p.realisations.toLocaleString("en")} realisations placed; ${digits(100 * p.outside, 2)} % of them are outside the trained range.${p.note ? ` Note: ${p.note}.` : ""}`;
        remove.hidden = false;
        document.documentElement.dataset.uploaded = String(p.placed);
      } catch (error) {
        said.textContent = error instanceof Error ? error.message : String(error);
      }
      this.mark_();
    };
    input.addEventListener("change", () => void send(input.files?.[0]));
    drop.addEventListener("dragover", (e) => e.preventDefault());
    drop.addEventListener("drop", (e) => {
      e.preventDefault();
      void send(e.dataTransfer?.files[0]);
    });
    remove.addEventListener("click", () => {
      this.placed = null;
      input.value = "";
      remove.hidden = true;
      said.textContent = "";
      this.mark_();
    });
    byId("upload").append(drop, said, element("p", { class: "hint" }, "The file stays on this machine: it is read for the conditions of its realisations and not kept."));
  }
}

function picture(canvas: HTMLCanvasElement, packed: Parameters<typeof image>[0]) {
  const [g, width, height] = fit(canvas);
  g.imageSmoothingEnabled = true;
  g.drawImage(image(packed), 0, 0, width, height);
}

/** Two distribution functions over each other. */
function distributions(canvas: HTMLCanvasElement, s: Statistic) {
  const [g, width, height] = fit(canvas);
  g.clearRect(0, 0, width, height);
  const all = [...s.measured.quantiles.slice(1, -1), ...s.generated.quantiles.slice(1, -1)];
  const low = Math.min(...all), high = Math.max(...all);
  for (const [values, colour, w, dash] of [[s.measured.quantiles, theme("measured"), 2.5, []], [s.generated.quantiles, theme("generated"), 1.5, [4, 2]]] as const) {
    g.strokeStyle = colour;
    g.lineWidth = w;
    g.setLineDash([...dash]);
    g.beginPath();
    values.forEach((v, k) => {
      const x = 2 + ((Math.min(Math.max(v, low), high) - low) / (high - low || 1)) * (width - 4), y = height - 3 - (k / (values.length - 1)) * (height - 6);
      if (k) g.lineTo(x, y);
      else g.moveTo(x, y);
    });
    g.stroke();
  }
  g.setLineDash([]);
}

async function copyText(text: string) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = element("textarea", {}, text);
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
}
