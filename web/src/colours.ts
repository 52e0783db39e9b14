// Colours that colour-blind people tell apart: viridis for amounts, Okabe and Ito's for kinds.
const VIRIDIS = [
  "440154", "481467", "482576", "453781", "404688", "39558c", "33638d", "2d718e", "287d8e",
  "238a8d", "1f968b", "20a386", "29af7f", "3dbc74", "56c667", "75d054", "95d840", "bade28", "dde318", "fde725",
].map((hex) => [0, 2, 4].map((k) => parseInt(hex.slice(k, k + 2), 16)));
export const KINDS = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442", "#7f7f7f"];

/** 256 colours, three bytes each. */
export const TABLE = (() => {
  const table = new Uint8Array(768);
  for (let k = 0; k < 256; k++) {
    const at = (k / 255) * (VIRIDIS.length - 1), low = Math.min(Math.floor(at), VIRIDIS.length - 2);
    for (let c = 0; c < 3; c++) {
      table[3 * k + c] = Math.round(VIRIDIS[low][c] + (at - low) * (VIRIDIS[low + 1][c] - VIRIDIS[low][c]));
    }
  }
  return table;
})();

export function viridis(share: number): string {
  const k = 3 * Math.round(255 * Math.min(Math.max(share, 0), 1));
  return `rgb(${TABLE[k]},${TABLE[k + 1]},${TABLE[k + 2]})`;
}

const known = new Map<string, string>();
/** A colour of the theme. */
export function theme(name: string): string {
  let found = known.get(name);
  if (!found) {
    found = getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
    known.set(name, found);
  }
  return found;
}
export const forgetTheme = () => known.clear();

/** A colour of the theme as three numbers. */
export function rgb(name: string): number[] {
  const hex = theme(name).slice(1);
  return [0, 2, 4].map((k) => parseInt(hex.slice(k, k + 2), 16));
}
