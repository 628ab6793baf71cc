// The eigenvectors of a graph, and the one place that decides their signs. Twin: simsam/spectral/laplacian.py.

import { addScaled, dot, lengthOf, matrix, rowOf } from "./linalg.js";
import { largestPairs, normOf } from "./solvers.js";

const DEGENERATE = 64 * 2 ** -23; // eigenvalues closer than this share one eigenspace: float32's, as in Python

/** The k smallest eigenpairs of the Laplacian of W (n, n): {values: Float64Array k, vectors: Matrix (k, n)},
 * row i of the vectors is eigenvector i. `laplacian`: "normalized" (L y = lambda D y), "unnormalized"
 * (L y = lambda y) or "affinity" (the k largest of W itself). Twin: eigenpairs. */
export function eigenpairs(W, k = 15, laplacian = "normalized") {
  const { A, first, scale } = symmetricProblem(W, laplacian);
  const found = largestPairs(A, k, first);
  const size = laplacian === "normalized" ? 1 : normOf(A);
  const values = found.values.map((mu) => {
    if (laplacian === "normalized") return Math.min(Math.max(1 - mu, 0), 2);
    return laplacian === "unnormalized" ? Math.max(-mu, 0) : mu;
  });
  const vectors = matrix(k, W.rows);
  canonical(values, found.vectors, size, k).forEach((u, i) => {
    rowOf(vectors, i).set(scale ? u.map((x, token) => scale[token] * x) : u);
  });
  return { values: Float64Array.from(values.slice(0, k)), vectors };
}

/** A whose largest eigenpairs are sought, its known first eigenvector, and D^(-1/2). Twin: symmetric_problem. */
export function symmetricProblem(W, laplacian) {
  if (laplacian === "affinity") return { A: W, first: null, scale: null };
  const n = W.rows, A = matrix(n, n, W.data.slice()), degree = degrees(W);
  if (laplacian === "unnormalized") {
    for (let i = 0; i < n; i++) A.data[i * (n + 1)] -= degree[i];
    return { A, first: new Float64Array(n).fill(n ** -0.5), scale: null };
  }
  const root = degree.map((x) => Math.sqrt(Math.max(x, 0)));
  const scale = root.map((x) => (x > 0 ? 1 / x : 0));
  for (let i = 0; i < n; i++) {
    const row = rowOf(A, i);
    for (let j = 0; j < n; j++) row[j] *= scale[i] * scale[j];
  }
  const length = Math.max(lengthOf(root), Number.MIN_VALUE);
  return { A, first: root.map((x) => x / length), scale };
}

/** The sum of each row: D = diag(W 1). */
export function degrees(W) {
  return Float64Array.from({ length: W.rows }, (_, i) => rowOf(W, i).reduce((sum, x) => sum + x, 0));
}

/** One representative of each eigenspace: in each vector the entry of largest magnitude is positive (the first
 * such), and vectors that share an eigenvalue get the basis that the most outstanding tokens make triangular.
 * Twin: canonical. */
export function canonical(values, vectors, size = 1, k = values.length) {
  const parts = [];
  for (let start = 0, stop; start < Math.min(k, values.length); start = stop) {
    stop = start + 1;
    while (stop < values.length && Math.abs(values[stop] - values[stop - 1]) <= DEGENERATE * size) stop++;
    const group = vectors.slice(start, stop);
    parts.push(...(group.length > 1 ? triangularBasis(group, Math.min(stop, k) - start) : group));
  }
  return parts.map((v) => {
    const sign = Math.sign(v[firstNearLargest(v.map(Math.abs))]);
    return v.map((x) => (x));
  });
}

/** Where the first entry lies that is the largest up to rounding. */
function firstNearLargest(sizes) {
  const largest = sizes.reduce((a, b) => Math.max(a, b));
  return sizes.findIndex((size) => size >= largest * (1 - 1e-4));
}

/** `count` vectors of a basis of the span of V that is lower triangular on pivot rows, which are chosen
 * greedily by length. Twin: _triangular_basis. */
function triangularBasis(V, count) {
  const n = V[0].length;
  const rows = Array.from({ length: n }, (_, i) => Float64Array.from(V, (v) => v[i]));
  const whole = rows.map((row) => row.slice()), directions = [];
  for (let step = 0; step < count; step++) {
    const pivot = firstNearLargest(rows.map((row) => dot(row, row)));
    const direction = whole[pivot].slice();
    for (const before of directions) addScaled(direction, before, -dot(direction, before));
    const length = Math.max(lengthOf(direction), Number.MIN_VALUE);
    directions.push(direction.map((x) => x / length));
    rows.forEach((row) => addScaled(row, directions[step], -dot(row, directions[step])));
  }
  return directions.map((direction) => Float64Array.from(whole, (row) => dot(row, direction)));
}
