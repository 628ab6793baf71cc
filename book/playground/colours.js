/* The book's colours, as matplotlib has them: cividis for values of one sign, PuOr_r for values of both signs
   (`PLAIN` and `SIGNED` in simsam/drawing/figures.py), each at 33 places with straight lines between; and two of
   Okabe and Ito's colours for the two sides. A test compares them with matplotlib. */

const CIVIDIS =
  "00224e00285b002e6a0533711a386f273e6e32436d3b496c434e6c4b546c535a6d5a5f6e61656f686a716f70737676767d7c78" +
  "8482798c8878938e789b9476a39a74aba072b4a76fbcae6cc4b468cdbb63d5c25edec958e7d150f0d846f9e03afee838";
const PUOR =
  "2d004b390c5e4518715225845f3a916d529c7b6aa88a7eb39990bfa9a1cbb7b1d5c3c0ddcfcfe5dadcece4e5f0eeeef3f7f7f6" +
  "f9efe1fce8cdfee1b9fed59ffdc885fdbc6bf7ac52ee9b39e58a20d97b12cb6e0dbd6109ae55069e4c078d43077f3b08";

export const OBJECT_COLOUR = "#e69f00";
export const REST_COLOUR = "#0072b2";

/** A map of 256 colours, one little-endian RGBA number each, from the hexadecimal colours of a table. */
function colourTable(hex) {
  const stops = hex.match(/../g).map((pair) => parseInt(pair, 16));
  const last = stops.length / 3 - 1;
  return Uint32Array.from({ length: 256 }, (_, k) => {
    const at = (k / 255) * last, low = Math.min(last - 1, Math.floor(at)), part = at - low;
    const channel = (c) => Math.round(stops[3 * low + c] * (1 - part) + stops[3 * low + 3 + c] * part);
    return ((255 << 24) | (channel(2) << 16) | (channel(1) << 8) | channel(0)) >>> 0;
  });
}

const PLAIN_MAP = colourTable(CIVIDIS);
const SIGNED_MAP = colourTable(PUOR);

/** The colour of a value in [0, high]. */
export function plainColour(value, high) {
  return PLAIN_MAP[Math.max(0, Math.min(255, Math.round((255 * value) / (high || 1))))];
}

/** The colour of a value in [-high, high]: white at zero. */
export function signedColour(value, high) {
  return SIGNED_MAP[Math.max(0, Math.min(255, Math.round(127.5 + (127.5 * value) / (high || 1))))];
}

/** The same as CSS writes it. */
export function signedCss(value, high) {
  const colour = signedColour(value, high);
  return `rgb(${colour & 255} ${(colour >> 8) & 255} ${(colour >> 16) & 255})`;
}
