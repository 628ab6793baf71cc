// K-means with the package's own starts. Twin: simsam/objects/clustering.py.

import { Generator, uniform } from "./random.js";

/** Labels (n) of the rows of x (n, d): k-means++ starts, `restarts` of them; each gets `trial` of Lloyd's
 * iterations, and the one of least inertia goes on until nothing moves. Twin: kmeans. */
export function kmeans(x, k, { restarts = 8, trial = 4, iterations = 50, seed = 0 } = {}) {
  if (!(k >= 1 && k <= x.rows)) throw new Error(`k=${k} clusters of ${x.rows} points: give 1 to ${x.rows}.`);
  const draws = uniform(k * restarts, new Generator(seed)); // row c: the draw of centre c, one a restart
  let best = null;
  for (let restart = 0; restart < restarts; restart++) {
    const mine = Array.from({ length: k }, (_, c) => draws[c * restarts + restart]);
    const { centres } = lloyd(x, plusPlus(x, k, mine), trial);
    const inertia = inertiaOf(x, centres);
    if (best === null || inertia < best.inertia) best = { centres, inertia };
  }
  return lloyd(x, best.centres, iterations).labels;
}

/** Centres moved to the mean of their points until no label changes: {centres, labels}. Twin: _lloyd. */
export function lloyd(x, centres, iterations) {
  centres = centres.slice();
  const d = x.cols, k = centres.length / d, labels = new Uint8Array(x.rows);
  let before = null;
  for (let round = 0; round < iterations; round++) {
    for (let i = 0; i < x.rows; i++) labels[i] = nearestCentre(x, i, centres, k).which;
    if (before && labels.every((label, i) => label === before[i])) break;
    before = labels.slice();
    const sums = new Float64Array(k * d), count = new Int32Array(k);
    for (let i = 0; i < x.rows; i++) {
      count[labels[i]]++;
      for (let c = 0; c < d; c++) sums[labels[i] * d + c] += x.data[i * d + c];
    }
    // a cluster that lost all its points stays
    for (let at = 0; at < sums.length; at++) {
      const points = count[Math.floor(at / d)];
      if (points) centres[at] = sums[at] / points;
    }
  }
  return { centres, labels };
}

/** The sum of the squared distances to the nearest centre. */
function inertiaOf(x, centres) {
  let inertia = 0;
  for (let i = 0; i < x.rows; i++) inertia += nearestCentre(x, i, centres, centres.length / x.cols).distance;
  return inertia;
}

/** Of the centres (k * d) the one nearest to row i of x, the first of several, and the squared distance. */
function nearestCentre(x, i, centres, k) {
  let which = 0, distance = Infinity;
  for (let c = 0; c < k; c++) {
    const found = squaredDistance(x, i, centres, c);
    if (found < distance) {
      which = c;
      distance = found;
    }
  }
  return { which, distance };
}

function squaredDistance(x, i, centres, c) {
  let sum = 0;
  for (let j = 0; j < x.cols; j++) {
    const step = x.data[i * x.cols + j] - centres[c * x.cols + j];
    sum += step * step;
  }
  return sum;
}

/** k-means++ centres (k * d): each drawn with probability proportional to the squared distance to the nearest
 * one so far; draws: k numbers in [0, 1). Twin: _plus_plus. */
function plusPlus(x, k, draws) {
  const n = x.rows, d = x.cols, centres = new Float64Array(k * d);
  const nearest = new Float64Array(n).fill(Infinity), total = new Float64Array(n);
  let index = Math.min(Math.floor(draws[0] * n), n - 1);
  for (let c = 0; c < k; c++) {
    if (c > 0) {
      let sum = 0;
      for (let i = 0; i < n; i++) {
        nearest[i] = Math.min(nearest[i], squaredDistance(x, i, centres, c - 1));
        sum += nearest[i];
        total[i] = sum;
      }
      const found = total.findIndex((value) => value > draws[c] * sum);
      index = found < 0 ? n - 1 : found;
    }
    centres.set(x.data.subarray(index * d, (index + 1) * d), c * d);
  }
  return centres;
}
