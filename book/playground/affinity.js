// From tokens to a graph: W_A, W_SA and their sum. Twin: simsam/affinity.py.

import { gram, matrix, unitRows } from "./linalg.js";

const ROUNDING = 100 * 2 ** -23; // what float32 leaves of a constant is no edge

/** S = F F^T, (n, n); with `unit` the rows of F have unit length first. Twin: similarity. */
export function similarity(tokens, unit = true) {
  return gram(unit ? unitRows(tokens) : tokens);
}

/** The number that is subtracted: 0, the mean of S, a third of its maximum, or a quantile. Twin: offset_value. */
export function offsetValue(S, offset = "mean") {
  if (offset === "none") return 0;
  if (offset === "mean") return S.data.reduce((sum, value) => sum + value, 0) / S.data.length;
  if (offset === "max/3") return largestOf(S.data) / 3;
  const [kind, q] = offset.split(":");
  if (kind !== "quantile" || !(q >= 0 && q <= 1)) {
    throw new Error(`offset "${offset}": give none, mean, max/3 or quantile:q with q from 0 to 1.`);
  }
  return S.data.slice().sort()[halfToEven(q * (S.data.length - 1))];
}

/** W_A = F F^T - offset for tokens of unit length; entries may be negative. Twin: vanilla_affinity. */
export function vanillaAffinity(tokens, offset = "mean") {
  return semanticAffinity(tokens, true, offset);
}

/** W_SA = G G^T - offset; `unit`: rows of G at unit length. Twin: semantic_affinity. */
export function semanticAffinity(G, unit = true, offset = "none") {
  const S = similarity(G, unit), value = offsetValue(S, offset);
  for (let i = 0; i < S.data.length; i++) S.data[i] -= value;
  return S;
}

/** The control for W_SA: its mean everywhere. Twin: `semantic="constant"` in simsam.pipeline.stages.graph. */
export function constantAffinity(W_SA) {
  const constant = matrix(W_SA.rows, W_SA.cols);
  constant.data.fill(offsetValue(W_SA, "mean"));
  return constant;
}

/** W = max(W_A + kappa W_SA, 0) / max + floor, in [floor, 1 + floor]. Twin: combine. */
export function combine(W_A, W_SA = null, kappa = 0, floor = 0) {
  const alone = W_SA === null || kappa === 0;
  const W = matrix(W_A.rows, W_A.cols);
  for (let i = 0; i < W.data.length; i++) {
    W.data[i] = Math.max(alone ? W_A.data[i] : W_A.data[i] + kappa * W_SA.data[i], 0);
  }
  const found = largestOf(W.data);
  const peak = found > ROUNDING ? found : Infinity;
  for (let i = 0; i < W.data.length; i++) W.data[i] = W.data[i] / peak + floor;
  return W;
}

/** TokenCut's graph: 1 where the cosine of two tokens exceeds tau, else floor. Twin: binary_affinity. */
export function binaryAffinity(tokens, tau = 0.2, floor = 1e-5) {
  return onlyAbove(similarity(tokens), tau, floor, () => 1);
}

/** The same with the cosines kept as weights, where they are positive. Twin: cosine_affinity. */
export function cosineAffinity(tokens, tau = 0, floor = 1e-5) {
  return onlyAbove(similarity(tokens), Math.max(tau, 0), floor, (cosine) => cosine);
}

function onlyAbove(S, tau, floor, weight) {
  for (let i = 0; i < S.data.length; i++) S.data[i] = S.data[i] > tau ? weight(S.data[i]) : floor;
  return S;
}

function largestOf(numbers) {
  let largest = -Infinity;
  for (const number of numbers) if (number > largest) largest = number;
  return largest;
}

/** Python's round: a half goes to the even neighbour. */
function halfToEven(x) {
  const floor = Math.floor(x);
  return x - floor === 0.5 ? floor + (floor % 2) : Math.round(x);
}
