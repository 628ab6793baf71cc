// The Siamese head: a projector and a predictor, trained on two views of one photo. Twin: simsam/siamese/head.py.
// What a function takes as `settings` has the names of a recipe's settings; see pipeline.js.

import { addScaled, dot, lengthOf, matrix, rowOf, times, timesTransposed, transpose, unitRows } from "./linalg.js";
import { Generator, shuffled, uniform } from "./random.js";
import { applyView, randomAffine } from "./views.js";

const SHORTEST = 1e-12; // what a shorter row counts as

/** Layers {weights: [Matrix (d, d)], biases: [Float64Array d], nonlinear}, in torch's own start for Linear. */
export function initLayers(count, dim, nonlinear, generator) {
  const bound = dim ** -0.5, weights = [], biases = [];
  for (let i = 0; i < count; i++) {
    const draw = uniform((dim + 1) * dim, generator).map((u) => 2 * bound * u - bound);
    weights.push(matrix(dim, dim, draw.slice(0, dim * dim)));
    biases.push(draw.slice(dim * dim));
  }
  return { weights, biases, nonlinear };
}

/** Projector psi and predictor pi, as they are before any training. Twin: init_head. */
export function initHead(dim, settings, generator) {
  const { projector = 1, predictor = 1 } = settings;
  const { projector_nonlinear = true, predictor_nonlinear = false } = settings;
  return {
    projector: initLayers(projector, dim, projector_nonlinear, generator),
    predictor: initLayers(predictor, dim, predictor_nonlinear, generator),
  };
}

/** What layers make of x (m, d), and what their gradient needs: {output, inputs, slopes}, one a layer. */
export function forward(layers, x) {
  const inputs = [], slopes = [];
  let output = x;
  layers.weights.forEach((weight, i) => {
    inputs.push(output);
    output = times(output, weight);
    for (let r = 0; r < output.rows; r++) addScaled(rowOf(output, r), layers.biases[i], 1);
    slopes.push(layers.nonlinear ? elu(output.data) : null);
  });
  return { output, inputs, slopes };
}

/** ELU in place: x above 0, exp(x) - 1 below. Returns its slope: 1 above, exp(x) below. Twin: fast.ELU. */
function elu(x) {
  const slope = x.map((value) => Math.exp(Math.min(value, 0)));
  for (let i = 0; i < x.length; i++) x[i] = Math.max(x[i], slope[i] - 1);
  return slope;
}

/** A step of SGD: from the gradient by the layers' output to new weights and biases (in place), and the
 * gradient by their input, which the layers before need; `wanted` false: nobody does. */
export function backward(layers, { inputs, slopes }, grad, lr, wanted = true) {
  for (let i = layers.weights.length - 1; i >= 0; i--) {
    if (slopes[i]) grad = matrix(grad.rows, grad.cols, grad.data.map((g, at) => g * slopes[i][at]));
    const byWeight = timesTransposed(transpose(inputs[i]), transpose(grad));
    const before = i > 0 || wanted ? timesTransposed(grad, layers.weights[i]) : null;
    addScaled(layers.weights[i].data, byWeight.data, -lr);
    for (let r = 0; r < grad.rows; r++) addScaled(layers.biases[i], rowOf(grad, r), -lr);
    grad = before;
  }
  return grad;
}

/** Semantic tokens G = pi(psi(x)), (n, d). Twin: Head.__call__. */
export function applyHead(head, x) {
  return forward(head.predictor, forward(head.projector, x).output).output;
}

/** The loss of two views of m tokens, and its gradients. Twin: siamese_loss, fast.Cosine.
 * p and z (2m, d): first one view, then the other; row i meets row i + m of the other view.
 * L = -mean cos(p_i, z_j), j the partner of i; by p_i its gradient is -(z_j/|z_j| - cos p_i/|p_i|) / |p_i|,
 * over 2m, and the same by z_j with the two exchanged: zero with the stop-gradient (byZ null). */
export function siameseLoss(p, z, stopGradient = true) {
  const rows = p.rows, byP = matrix(rows, p.cols), byZ = stopGradient ? null : matrix(rows, p.cols);
  let loss = 0;
  for (let i = 0; i < rows; i++) {
    const j = (i + rows / 2) % rows;
    const mine = rowOf(p, i), other = rowOf(z, j);
    const a = Math.max(lengthOf(mine), SHORTEST), b = Math.max(lengthOf(other), SHORTEST);
    const cosine = dot(mine, other) / a / b;
    loss -= cosine / rows;
    addScaled(rowOf(byP, i), other, -1 / (rows * a * b));
    addScaled(rowOf(byP, i), mine, cosine / (rows * a * a));
    if (byZ) {
      addScaled(rowOf(byZ, j), mine, -1 / (rows * a * b));
      addScaled(rowOf(byZ, j), other, cosine / (rows * b * b));
    }
  }
  return { loss, byP, byZ };
}

/** One step of SGD on paired views (2m, d), one above the other. Returns the loss before the step. */
export function trainStep(head, views, lr, stopGradient = true) {
  const z = forward(head.projector, views), p = forward(head.predictor, z.output);
  const { loss, byP, byZ } = siameseLoss(p.output, z.output, stopGradient);
  const grad = backward(head.predictor, p, byP, lr);
  if (byZ) addScaled(grad.data, byZ.data, 1);
  backward(head.projector, z, grad, lr, false);
  return loss;
}

/** Training as it happens: after each epoch it gives {epoch, loss, head}, epoch = 1, 2, ...; at the end it
 * returns {tokens: G (n, d), losses: Float64Array, head}. Zero epochs: the untrained head. Twin: train_head. */
export function* trainHead(tokens, grid, settings = {}) {
  const { epochs = 10, batch = null, lr = 0.06, stop_gradient = true, seed = 0 } = settings;
  const x = unitRows(tokens), generator = new Generator(seed);
  const head = initHead(x.cols, settings, generator);
  const maps = randomAffine(2 * epochs, grid, settings, generator);
  const losses = new Float64Array(epochs);
  for (let epoch = 0; epoch < epochs; epoch++) {
    const pair = [0, 1].map((v) => applyView(x, grid, maps[2 * epoch + v]));
    for (const which of batches(x.rows, batch, generator)) {
      const loss = trainStep(head, stacked(pair, which), lr, stop_gradient);
      losses[epoch] += (loss * which.length) / x.rows;
    }
    yield { epoch: epoch + 1, loss: losses[epoch], head };
  }
  return { tokens: applyHead(head, x), losses, head };
}

/** Which tokens each step of an epoch sees: all, or shuffled parts. Twin: _steps. */
function batches(n, batch, generator) {
  if (batch === null || batch >= n) return [Int32Array.from({ length: n }, (_, i) => i)];
  const order = shuffled(n, generator);
  return Array.from({ length: Math.ceil(n / batch) }, (_, i) => order.subarray(i * batch, (i + 1) * batch));
}

/** Some rows of several matrices, the matrices one above the other. */
export function stacked(parts, which) {
  const rows = parts.flatMap((part) => Array.from(which, (i) => rowOf(part, i)));
  const all = matrix(rows.length, parts[0].cols);
  rows.forEach((row, i) => rowOf(all, i).set(row));
  return all;
}

/** What a generator such as `trainHead` returns at its end. */
export function atTheEnd(generator) {
  let step = generator.next();
  while (!step.done) step = generator.next();
  return step.value;
}
