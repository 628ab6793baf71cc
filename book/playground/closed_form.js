// The head in one solve, without SGD. Twin: closed_form_head in simsam/siamese/head.py.

import { forward, initLayers } from "./head.js";
import { addScaled, dot, gram, lengthOf, matrix, rowOf } from "./linalg.js";
import { solvePositive, timesTransposed, transpose, unitRows } from "./linalg.js";
import { Generator } from "./random.js";
import { applyView, randomAffine } from "./views.js";

/** The linear predictor that SGD looks for, for a fixed random projector: {tokens: G, losses, head}, one loss,
 * the cosine loss on its own views. The equation stands in the Python twin. Twin: closed_form_head. */
export function closedFormHead(tokens, grid, settings = {}) {
  const { pairs = 2, ridge = 1e-2, projector_nonlinear = true, seed = 0 } = settings;
  const x = unitRows(tokens), generator = new Generator(seed);
  const projector = initLayers(1, x.cols, projector_nonlinear, generator);
  // a view's token is a weighted mean of tokens, so psi's linear map may come first, once for all views
  const linear = forward({ ...projector, nonlinear: false }, x).output;
  const maps = randomAffine(2 * pairs, grid, settings, generator);
  const terms = Array.from({ length: pairs }, (_, i) => {
    const views = [0, 1].map((v) => projected(applyView(linear, grid, maps[2 * i + v]), projector_nonlinear));
    const [alpha, beta] = views;
    return { z: oneAboveOther(alpha, beta), target: unitRows(oneAboveOther(beta, alpha)) };
  });
  const head = { projector, predictor: solvePredictor(terms, ridge) };
  const cosines = terms.map(({ z, target }) => meanCosine(forward(head.predictor, z).output, target));
  const loss = -cosines.reduce((sum, cosine) => sum + cosine, 0) / pairs;
  const G = forward(head.predictor, projected(linear, projector_nonlinear)).output;
  return { tokens: G, losses: Float64Array.of(loss), head };
}

/** The layer P (d + 1, d) that minimises |[z 1] P - t|^2 + ridge m s |P|^2. Twin: solve_predictor. */
export function solvePredictor(terms, ridge) {
  const d = terms[0].z.cols, m = terms.reduce((sum, { z }) => sum + z.rows, 0);
  const square = matrix(d + 1, d + 1), cross = matrix(d + 1, d);
  for (const { z, target } of terms) {
    const zT = transpose(z), targetT = transpose(target);
    const inner = gram(zT), outer = timesTransposed(zT, targetT), sums = rowSums(zT);
    for (let i = 0; i < d; i++) {
      addScaled(rowOf(square, i).subarray(0, d), rowOf(inner, i), 1);
      addScaled(rowOf(cross, i), rowOf(outer, i), 1);
      square.data[i * (d + 1) + d] += sums[i]; // the column of ones, for the bias
      square.data[d * (d + 1) + i] += sums[i];
    }
    addScaled(rowOf(cross, d), rowSums(targetT), 1);
  }
  square.data[d * (d + 1) + d] = m;
  let scale = 0; // m s, s the mean square of the entries of all z
  for (let i = 0; i < d; i++) scale += square.data[i * (d + 2)] / d;
  for (let i = 0; i <= d; i++) square.data[i * (d + 2)] += ridge * Math.max(scale, 1e-12);
  const P = solvePositive(square, cross).data;
  return { weights: [matrix(d, d, P.slice(0, d * d))], biases: [P.slice(d * d)], nonlinear: false };
}

/** ELU of what psi's linear map gave, or that itself. */
function projected(linear, nonlinear) {
  if (!nonlinear) return linear;
  return matrix(linear.rows, linear.cols, linear.data.map((x) => (x > 0 ? x : Math.exp(x) - 1)));
}

function oneAboveOther(A, B) {
  const both = matrix(A.rows + B.rows, A.cols);
  both.data.set(A.data);
  both.data.set(B.data, A.data.length);
  return both;
}

function rowSums(A) {
  const sums = new Float64Array(A.rows);
  for (let at = 0; at < A.data.length; at++) sums[Math.floor(at / A.cols)] += A.data[at];
  return sums;
}

/** The mean cosine of the rows of two matrices. Twin: fast.Cosine, its mean. */
export function meanCosine(A, B) {
  let sum = 0;
  for (let i = 0; i < A.rows; i++) {
    const a = rowOf(A, i), b = rowOf(B, i);
    sum += dot(a, b) / Math.max(lengthOf(a), 1e-12) / Math.max(lengthOf(b), 1e-12);
  }
  return sum / A.rows;
}
