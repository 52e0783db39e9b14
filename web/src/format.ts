// Numbers as people write them.
import type { Axis } from "./types";

export function digits(value: number, count = 3): string {
  if (!isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e5)) return value.toExponential(1);
  return Number(value.toPrecision(count)).toLocaleString("en", { maximumFractionDigits: 6, useGrouping: size >= 1e4 });
}
/** One decimal, with a minus that is one. */
export const decibels = (value: number) => (Math.abs(value) < 0.05 ? "0.0" : value.toFixed(1).replace("-", "−"));
export const onAxis = (a: Axis, value: number) => `${digits(value * a.factor)}${a.unit ? ` ${a.unit}` : ""}`;
export function unit(value: number | null | undefined, si: string, count = 3): string {
  if (value === null || value === undefined || !isFinite(value)) return "undefined";
  if (si === "s") return `${digits(value * 1e9, count)} ns`;
  if (si === "rad") return `${digits((value * 180) / Math.PI, count)}°`;
  if (si === "Hz") return Math.abs(value) >= 1e9 ? `${digits(value / 1e9, count)} GHz` : `${digits(value / 1e6, count)} MHz`;
  return `${digits(value, count)}${si && si !== "1" ? ` ${si}` : ""}`;
}
/** Round places for ticks. */
export function ticks(low: number, high: number, logarithmic: boolean, most = 6): number[] {
  if (logarithmic) {
    const found: number[] = [];
    for (let e = Math.floor(Math.log10(low)); e <= Math.ceil(Math.log10(high)); e++) {
      for (const m of [1, 2, 5]) {
        const v = m * 10 ** e;
        if (v >= low * 0.999 && v <= high * 1.001) found.push(v);
      }
    }
    return found.length > most + 2 ? found.filter((v) => Math.abs(Math.log10(v) % 1) < 1e-6) : found;
  }
  const raw = (high - low) / most, scale = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((m) => m * scale).find((s) => s >= raw)!;
  const found: number[] = [];
  for (let v = Math.ceil(low / step - 1e-9) * step; v <= high * (1 + 1e-9) + 1e-12; v += step) found.push(Math.abs(v) < step / 1e6 ? 0 : v);
  return found;
}
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K, attributes: Record<string, string> = {}, ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}
export const byId = <T extends HTMLElement = HTMLElement>(id: string) => document.getElementById(id) as T;
