// From eigenvectors to a score on the grid, positive on the object, and to a mask on the pixels.
// Twin: simsam/objects/readouts.py.

import { kmeans } from "./clustering.js";
import { borderFrame } from "./cuts.js";
import { addScaled, dot, lengthOf, matrix, rowOf, transpose, unitRows } from "./linalg.js";

/** The vote of K-means with each number of clusters of `ks`, on eigenvectors 2 to k (vectors: (K, n)).
 * {score, votes}, see `labelVote`. Twin: cluster_vote. */
export function clusterVote(vectors, grid, ks = [3, 4, 5, 6], ratio = 0.6, seed = 0) {
  const unit = unitRows(vectors), n = vectors.cols;
  const points = (k) => transpose(matrix(k - 1, n, unit.data.slice(n, k * n)));
  return labelVote(ks.map((k) => kmeans(points(k), k, { seed })), ks, grid, ratio);
}

/** The same vote on the tokens (n, d) themselves, without any graph. Twin: token_vote. */
export function tokenVote(tokens, grid, ks = [3, 4, 5, 6], ratio = 0.6, seed = 0) {
  const x = unitRows(tokens), possible = ks.map((k) => Math.min(k, x.rows));
  return labelVote(possible.map((k) => kmeans(x, k, { seed })), possible, grid, ratio);
}

/** score (n) in [-1, 1], the mean vote; votes: of each clustering {clusters, labels, ratio, chosen}.
 * ratio[c] is the share of the border frame that cluster c holds over its share of the grid; foreground, and
 * so `chosen`, is every cluster below the limit, or the one of smallest ratio. Twin: label_vote. */
export function labelVote(labelings, ks, grid, limit = 0.6) {
  const frame = borderFrame(grid), n = frame.length, score = new Float64Array(n);
  const around = frame.reduce((sum, x) => sum + x, 0);
  const votes = labelings.map((labels, i) => {
    const size = new Float64Array(ks[i]), border = new Float64Array(ks[i]);
    labels.forEach((label, token) => {
      size[label] += 1 / n;
      border[label] += frame[token] / around;
    });
    const ratio = Float32Array.from(size, (share, c) => (share > 0 ? border[c] / share : Infinity));
    const least = ratio.indexOf(ratio.reduce((a, b) => Math.min(a, b)));
    const below = Array.from(ratio, (r) => r < limit);
    const chosen = below.map((yes, c) => yes || (c === least && !below.includes(true)));
    labels.forEach((label, token) => (score[token] += chosen[label] ? 1 : -1));
    return { clusters: ks[i], labels, ratio, chosen };
  });
  return { score: score.map((sum) => sum / ks.length), votes };
}

/** Each token against the two mean tokens, inside and outside of score > 0: s = F (a/|a| - b/|b|). All or
 * nothing inside gives +1 or -1 everywhere. Twin: centroid_step. */
export function centroidStep(tokens, score) {
  const x = unitRows(tokens), a = new Float64Array(x.cols), b = new Float64Array(x.cols);
  let inside = 0;
  for (let i = 0; i < x.rows; i++) {
    addScaled(score[i] > 0 ? a : b, rowOf(x, i), 1);
    inside += score[i] > 0 ? 1 : 0;
  }
  if (inside === 0 || inside === x.rows) return new Float64Array(x.rows).fill(inside ? 1 : -1);
  const between = new Float64Array(x.cols);
  addScaled(between, a, 1 / Math.max(lengthOf(a), 1e-12));
  addScaled(between, b, -1 / Math.max(lengthOf(b), 1e-12));
  return Float64Array.from({ length: x.rows }, (_, i) => dot(rowOf(x, i), between));
}

/** The score less `margin` times its mean magnitude. Twin: the last lines of simsam.pipeline.stages.readout. */
export function lessMargin(score, margin) {
  const mean = score.reduce((sum, s) => sum + Math.abs(s), 0) / score.length;
  return score.map((s) => s - margin * mean);
}

/** The share that two masks have in common of what either covers; 1 where both are empty.
 * Twin: simsam.measuring.iou. */
export function iouOf(mask, truth) {
  let both = 0, either = 0;
  for (let i = 0; i < mask.length; i++) {
    both += mask[i] & truth[i];
    either += mask[i] | truth[i];
  }
  return either === 0 ? 1 : both / either;
}
