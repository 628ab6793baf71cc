// From the pixels of a photo to the network's input, as the package makes it. Twin: simsam/features.py, `plan`
// and `to_input`; the resize is torch's antialiased bicubic one.
//
// A picture here is {height, width, data}: data holds height * width * 3 numbers, 0 to 255, row by row.

const ACROSS = 12; // tokens that the shorter side of a long photo is to have,
const LONGEST = 2.5; // and no more than it has in a photo of 2.5 : 1
const MANY = 4; // times larger than the network's input: such a photo is reduced in two steps

/** How many tokens a photo has, [h, w]: its longer side about `size` pixels, both sides whole patches. Twin: plan.
 * Other than there, a long photo has no more tokens than a square one: the page computes with each pair of them.
 * Throws an Error of one sentence for a photo smaller than a patch. */
export function planGrid([height, width], patch, size) {
  if (Math.min(height, width) < patch) {
    throw new Error(`The photo has ${width} × ${height} pixels: it needs ${patch} at least on either side.`);
  }
  const scale = longSide([height, width], patch, size) / Math.max(height, width);
  return [height, width].map((side) => Math.max(1, roundToEven((side * scale) / patch)));
}

/** The pixels of the photo's longer side in the network's input. Twin: long_side. */
function longSide([height, width], patch, size) {
  const short = Math.min(ACROSS * patch, size / LONGEST), tokens = (size / patch) ** 2;
  const scale = Math.min(short / Math.min(height, width), 1, patch * Math.sqrt(tokens / (height * width)));
  return Math.max(size, scale * Math.max(height, width));
}

/** The nearest whole number, of two the even one, as Python rounds. */
function roundToEven(x) {
  const down = Math.floor(x);
  if (x - down !== 0.5) return Math.round(x);
  return down % 2 === 0 ? down : down + 1;
}

/** By which whole number a photo is reduced first: 1, or half as often as it is too large. Twin: to_input. */
export function firstStep([height, width], grid, patch) {
  const times = Math.min(Math.floor(height / (grid[0] * patch)), Math.floor(width / (grid[1] * patch)));
  return times >= MANY ? Math.floor(times / 2) : 1;
}

/** Each square of times * times pixels as its mean, in whole grey levels; squares at the right and at the bottom
 * may be cut. Twin: PIL.Image.reduce. `data` has `channels` numbers a pixel, of which the first 3 count. */
export function reduceByMean({ height, width, data }, times, channels = 3) {
  const small = { height: Math.ceil(height / times), width: Math.ceil(width / times) };
  small.data = new Uint8ClampedArray(small.height * small.width * 3);
  for (let i = 0; i < small.height; i++) {
    const bottom = Math.min((i + 1) * times, height);
    for (let j = 0; j < small.width; j++) {
      const right = Math.min((j + 1) * times, width), area = (bottom - i * times) * (right - j * times);
      const half = Math.floor(area / 2), share = Math.floor(Math.fround(2 ** 24 / area)); // Pillow's, to a level
      for (let c = 0; c < 3; c++) {
        let sum = 0;
        for (let y = i * times; y < bottom; y++) {
          for (let x = j * times; x < right; x++) sum += data[(y * width + x) * channels + c];
        }
        small.data[(i * small.width + j) * 3 + c] = Math.floor(((sum + half) * share) / 2 ** 24);
      }
    }
  }
  return small;
}

/** The cubic convolution kernel (Keys 1981, a = -1/2). */
function cubic(x) {
  const t = Math.abs(x);
  if (t < 1) return (1.5 * t - 2.5) * t * t + 1;
  return t < 2 ? ((-0.5 * t + 2.5) * t - 4) * t + 2 : 0;
}

/** Which old places make each new one when a side of `from` becomes one of `to`: [{first, weights}, ...].
 * The kernel widens with the reduction, so that no detail falls between two samples. Twin: F.interpolate with
 * mode="bicubic", antialias=True. */
export function resizeWeights(from, to) {
  const scale = from / to, wide = Math.max(scale, 1);
  return Array.from({ length: to }, (_, i) => {
    const centre = scale * (i + 0.5);
    const first = Math.max(Math.trunc(centre - 2 * wide + 0.5), 0);
    const last = Math.min(Math.trunc(centre + 2 * wide + 0.5), from);
    const weights = Float64Array.from({ length: last - first }, (_, j) => cubic((first + j - centre + 0.5) / wide));
    const sum = weights.reduce((a, b) => a + b, 0);
    return { first, weights: weights.map((w) => w / sum) };
  });
}

/** The same as a matrix (to, from), row by row. */
export function resizeMatrix(from, to) {
  const rows = new Float32Array(to * from);
  resizeWeights(from, to).forEach(({ first, weights }, i) => rows.set(weights, i * from + first));
  return rows;
}

/** A picture at another size, its numbers not yet rounded; first across, then down. */
export function resizePicture(picture, height, width) {
  return resizeDown(resizeAcross(picture, width), height);
}

function resizeAcross({ height, width, data }, to) {
  const out = { height, width: to, data: new Float32Array(height * to * 3) };
  if (width === to) return { height, width, data: Float32Array.from(data) };
  const taken = resizeWeights(width, to);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < to; x++) {
      const { first, weights } = taken[x];
      let r = 0, g = 0, b = 0, from = (y * width + first) * 3;
      for (const w of weights) {
        r += w * data[from++];
        g += w * data[from++];
        b += w * data[from++];
      }
      const at = (y * to + x) * 3;
      out.data[at] = r;
      out.data[at + 1] = g;
      out.data[at + 2] = b;
    }
  }
  return out;
}

function resizeDown({ height, width, data }, to) {
  if (height === to) return { height, width, data };
  const out = { height: to, width, data: new Float32Array(to * width * 3) }, step = width * 3;
  resizeWeights(height, to).forEach(({ first, weights }, y) => {
    weights.forEach((w, j) => {
      const from = (first + j) * step;
      for (let x = 0; x < step; x++) out.data[y * step + x] += w * data[from + x];
    });
  });
  return out;
}

/** The network's input (3, h * patch, w * patch), standardised, of a picture that `firstStep` has reduced.
 * Twin: to_input. */
export function toInput(picture, grid, { patch, mean, std }) {
  const [height, width] = grid.map((side) => side * patch), n = height * width;
  const { data } = resizePicture(picture, height, width), input = new Float32Array(3 * n);
  for (let c = 0; c < 3; c++) {
    for (let i = 0; i < n; i++) {
      const level = Math.min(Math.max(data[i * 3 + c] / 255, 0), 1);
      input[c * n + i] = (level - mean[c]) / std[c];
    }
  }
  return input;
}
