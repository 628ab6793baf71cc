// From a prepared photo's bytes to tokens, and from the grid of tokens to pixels. Twin: simsam/features.py.

import { matrix } from "./linalg.js";

/** A photo as the pipeline takes it, from what photos/NAME.js holds (Twin: tools/playground_photos.py), or from
 * an own photo's arrays. */
export function decodePhoto({ grid, shape, output, keys = null, attention = null, truth = null }) {
  const tokens = { output: decodeTokens(output, grid), keys: keys && decodeTokens(keys, grid) };
  return { grid, shape, tokens, attention: attention && decodeFloats(attention), truth: decodeRuns(truth, shape) };
}

/** Tokens (n, d) from {scales, values}: whole numbers of 8 bits, times one scale a channel; or from numbers. */
export function decodeTokens(prepared, grid) {
  const n = grid[0] * grid[1];
  if (ArrayBuffer.isView(prepared)) return matrix(n, prepared.length / n, prepared);
  const scale = decodeFloats(prepared.scales), whole = new Int8Array(bytesOf(prepared.values).buffer);
  const tokens = matrix(n, scale.length);
  for (let i = 0; i < whole.length; i++) tokens.data[i] = Math.fround(whole[i] * scale[i % scale.length]);
  return tokens;
}

/** Numbers of 32 bits from a text in base64; an array is returned as it is. */
function decodeFloats(prepared) {
  return typeof prepared === "string" ? new Float32Array(bytesOf(prepared).buffer) : prepared;
}

/** A mask (H * W) from its runs, which are 0 and 1 by turns, the first of them 0; a mask or null as it is. */
export function decodeRuns(runs, [height, width]) {
  if (!Array.isArray(runs)) return runs;
  const mask = new Uint8Array(height * width);
  let place = 0;
  runs.forEach((run, i) => {
    mask.fill(i % 2, place, place + run);
    place += run;
  });
  return mask;
}

/** The bytes of a text in base64. */
export function bytesOf(text) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  const letters = atob(text), bytes = new Uint8Array(letters.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = letters.charCodeAt(i);
  return bytes;
}

/** One value a token, (h * w), as one value a pixel, (H * W). Twin: Geometry.upsample.
 * The centres of the tokens keep their place; beyond the outermost ones the nearest counts. */
export function upsample(field, grid, shape, mode = "bilinear") {
  const rows = neighbours(grid[0], shape[0], mode);
  const cols = neighbours(grid[1], shape[1], mode);
  const pixels = new Float32Array(shape[0] * shape[1]);
  for (let y = 0; y < shape[0]; y++) {
    const near = rows.near[y] * grid[1], far = rows.far[y] * grid[1], down = rows.share[y];
    for (let x = 0; x < shape[1]; x++) {
      const left = cols.near[x], right = cols.far[x], across = cols.share[x];
      const above = (1 - across) * field[near + left] + across * field[near + right];
      const below = (1 - across) * field[far + left] + across * field[far + right];
      pixels[y * shape[1] + x] = (1 - down) * above + down * below;
    }
  }
  return pixels;
}

/** 1 where a score is positive, else 0. */
export function positive(score) {
  const mask = new Uint8Array(score.length);
  for (let i = 0; i < score.length; i++) mask[i] = score[i] > 0 ? 1 : 0;
  return mask;
}

/** Along one side: between which two tokens each pixel lies, and the share of the second of them. */
function neighbours(tokens, pixels, mode) {
  const near = new Int32Array(pixels), far = new Int32Array(pixels), share = new Float64Array(pixels);
  const scale = Math.fround(tokens / pixels); // torch computes in float32, which decides on which side a tie falls
  for (let p = 0; p < pixels; p++) {
    const place = Math.fround((p + 0.5) * scale); // in tokens, from the edge
    const centre = mode === "nearest" ? Math.floor(place) : Math.max(place - 0.5, 0);
    near[p] = Math.floor(centre);
    far[p] = Math.min(near[p] + 1, tokens - 1);
    share[p] = centre - near[p];
  }
  return { near, far, share };
}
