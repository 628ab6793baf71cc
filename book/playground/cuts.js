// Where to cut an eigenvector, and which side of the cut is the object. Twin: simsam/objects/cuts.py.

import { rowOf } from "./linalg.js";

/** 1 for the tokens of the outermost ring of the grid, else 0. Twin: border_frame. */
export function borderFrame([h, w]) {
  const outside = (y, x) => y === 0 || x === 0 || y === h - 1 || x === w - 1;
  return Uint8Array.from({ length: h * w }, (_, i) => (outside(Math.floor(i / w), i % w) ? 1 : 0));
}

/** +1 or -1, so that sign * score is positive on the object: "border", "minority", "attention" or "peak".
 * Twin: foreground_sign. */
export function foregroundSign(score, grid, rule = "border", attention = null) {
  if (rule === "minority") return score.filter((s) => s > 0).length > score.length / 2 ? -1 : 1;
  if (rule === "peak") return score[peakOf(score)] < 0 ? -1 : 1;
  if (rule === "attention" && !attention) {
    throw new Error('sign "attention" needs a class token, and this photo has none: use "border".');
  }
  const weight = rule === "border" ? borderFrame(grid) : attention;
  const inside = meanWhere(weight, (i) => score[i] > 0), outside = meanWhere(weight, (i) => !(score[i] > 0));
  const flip = rule === "border" ? inside > outside : inside < outside;
  return flip ? -1 : 1;
}

/** The first entry of largest magnitude. */
function peakOf(x) {
  let peak = 0;
  for (let i = 1; i < x.length; i++) if (Math.abs(x[i]) > Math.abs(x[peak])) peak = i;
  return peak;
}

function meanWhere(weight, chosen) {
  let sum = 0, count = 0;
  for (let i = 0; i < weight.length; i++) {
    if (chosen(i)) {
      sum += weight[i];
      count++;
    }
  }
  return sum / Math.max(count, 1);
}

/** The number at which to cut an eigenvector y: "zero", "mean", "otsu", "ncut" (needs W) or "two_means".
 * Twin: threshold. */
export function threshold(y, rule = "zero", W = null) {
  if (rule === "zero") return 0;
  if (rule === "mean") return y.reduce((sum, value) => sum + value, 0) / y.length;
  if (rule === "ncut") return ncutThreshold(y, W);
  const ordered = Float64Array.from(y).sort();
  return rule === "otsu" ? otsu(inBins(ordered, 256)) : otsu(ordered);
}

/** Sorted values, each in the middle of its bin of a histogram. */
function inBins(ordered, bins) {
  const low = ordered[0], range = ordered[ordered.length - 1] - low;
  if (range === 0) return ordered;
  return ordered.map((value) => {
    const bin = Math.min(Math.floor(((value - low) / range) * bins), bins - 1);
    return low + ((bin + 0.5) / bins) * range;
  });
}

/** The cut of sorted values that maximises the variance between the sides: exact 2-means. Twin: _otsu. */
function otsu(ordered) {
  const n = ordered.length, total = ordered.reduce((sum, value) => sum + value, 0);
  let best = 0, most = -Infinity, left = 0;
  for (let i = 1; i < n; i++) {
    left += ordered[i - 1];
    const between = i * (n - i) * (left / i - (total - left) / (n - i)) ** 2;
    if (between > most) {
      most = between;
      best = i - 1;
    }
  }
  return (ordered[best] + ordered[best + 1]) / 2;
}

/** The sweep, from below: the n - 1 cuts between two neighbours of the sorted entries, [{at, price, below}]:
 * where the threshold lies, the normalised cut there, and how many entries are below. Twin: _ncut_threshold. */
export function sweepCuts(y, W) {
  const n = y.length, order = Int32Array.from(y.keys()).sort((a, b) => y[a] - y[b] || a - b);
  const degree = Float64Array.from({ length: n }, (_, i) => rowOf(W, i).reduce((sum, x) => sum + x, 0));
  const all = degree.reduce((sum, x) => sum + x, 0), cuts = [];
  let volume = 0, within = 0;
  for (let i = 0; i < n - 1; i++) {
    const row = rowOf(W, order[i]);
    volume += degree[order[i]];
    within += row[order[i]];
    for (let j = 0; j < i; j++) within += 2 * row[order[j]];
    const cut = volume - within;
    const price = cut / Math.max(volume, 1e-300) + cut / Math.max(all - volume, 1e-300);
    cuts.push({ at: (y[order[i]] + y[order[i + 1]]) / 2, price, below: i + 1 });
  }
  return cuts;
}

/** Where the cut of least price lies; of equal ones the first. Twin: _ncut_threshold. */
function ncutThreshold(y, W) {
  return sweepCuts(y, W).reduce((best, cut) => (cut.price < best.price ? cut : best)).at;
}

/** An eigenvector y of the graph W, cut by a threshold rule and turned by a sign rule: {score, cut}, the score
 * positive on the object, the cut in units of y. `component`: only the part that holds the peak. `hard`: +1
 * and -1 instead of a score. Twin: bipartition in simsam/objects/readouts.py. */
export function bipartition(y, W, grid, settings = {}) {
  const { threshold: rule = "zero", sign = "border", component = false, hard = false } = settings;
  const largest = Math.abs(y[peakOf(y)]) || 1;
  const unit = y.map((value) => value / largest);
  const cut = threshold(unit, rule, W);
  let score = unit.map((value) => value - cut);
  const turn = foregroundSign(sign === "peak" ? unit : score, grid, sign, settings.attention);
  score = score.map((value) => turn * value);
  if (component) {
    const turned = unit.map((value) => turn * value);
    const seed = turned.indexOf(turned.reduce((a, b) => Math.max(a, b)));
    const part = seedComponent(score, seed, grid);
    score = score.map((value, i) => (part[i] ? value : -Math.abs(value)));
  }
  if (hard) score = score.map((value) => (value > 0 ? 1 : -1));
  return { score, cut: cut * largest };
}

/** 1 on the 4-connected part of the score's positive side that holds token `seed`. Twin: seed_component. */
export function seedComponent(score, seed, [h, w]) {
  const part = new Uint8Array(h * w), open = [seed];
  if (!(score[seed] > 0)) return score.map((value) => (value > 0 ? 1 : 0));
  part[seed] = 1;
  while (open.length) {
    const i = open.pop(), x = i % w;
    const beside = [i - w, i + w, x > 0 ? i - 1 : -1, x < w - 1 ? i + 1 : -1];
    for (const j of beside) {
      if (j >= 0 && j < h * w && score[j] > 0 && !part[j]) {
        part[j] = 1;
        open.push(j);
      }
    }
  }
  return part;
}
