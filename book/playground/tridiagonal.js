// Symmetric matrices by way of tridiagonal ones, whose entries are `diagonal` (n) and `beside` (n - 1).
// Twin: torch.linalg.eigh (LAPACK).

import { addScaled, dot, lengthOf, matrix, rowOf, timesVector } from "./linalg.js";

/** Reflections that make a symmetric matrix A (n, n) tridiagonal, one column after the other.
 * A is not changed. Twin: LAPACK's sytrd. */
export function householder(A) {
  const n = A.rows, diagonal = [], beside = [], reflections = [];
  let rest = matrix(n, n, A.data.slice());
  for (let size = n; size > 1; size--) {
    const column = rowOf(rest, 0);
    diagonal.push(column[0]);
    // v: the unit vector whose reflection I - 2 v v^T takes the rest of the column to its first axis
    const v = column.slice(1);
    const target = v[0] > 0 ? -lengthOf(v) : lengthOf(v);
    beside.push(target);
    v[0] -= target;
    const length = lengthOf(v);
    if (length > 0) v.forEach((x, i) => (v[i] = x / length));
    reflections.push(v);
    rest = reflectedBoth(without(rest), v);
  }
  diagonal.push(rest.data[0]);
  return { diagonal, beside, reflections };
}

/** A without its first row and column. */
function without(A) {
  const smaller = matrix(A.rows - 1, A.cols - 1);
  for (let i = 1; i < A.rows; i++) rowOf(smaller, i - 1).set(rowOf(A, i).subarray(1));
  return smaller;
}

/** (I - 2 v v^T) A (I - 2 v v^T), in place: A - v w^T - w v^T with w = 2 A v - 2 (v^T A v) v. */
function reflectedBoth(A, v) {
  const w = timesVector(A, v).map((x) => 2 * x);
  addScaled(w, v, -dot(w, v));
  for (let i = 0; i < A.rows; i++) {
    const row = rowOf(A, i), vi = v[i], wi = w[i];
    for (let j = 0; j < row.length; j++) row[j] -= vi * w[j] + wi * v[j];
  }
  return A;
}

/** From an eigenvector of the tridiagonal matrix to one of A: the reflections, the last one first. */
export function reflectBack(reflections, s) {
  const u = Float64Array.from(s);
  for (let i = reflections.length - 1; i >= 0; i--) {
    const tail = u.subarray(i + 1);
    addScaled(tail, reflections[i], -2 * dot(tail, reflections[i]));
  }
  return u;
}

/** All eigenpairs of a tridiagonal matrix, values descending: the implicit QL method (Dubrulle, Martin and
 * Wilkinson 1968), by rotations of two neighbours. Twin: LAPACK's steqr. */
export function tridiagonalEigen(diagonal, beside) {
  const n = diagonal.length, d = Float64Array.from(diagonal);
  const e = Float64Array.from({ length: n }, (_, i) => (i < n - 1 ? beside[i] : 0));
  const vectors = Array.from({ length: n }, (_, i) => new Float64Array(n).fill(1, i, i + 1));
  for (let low = 0; low < n; low++) {
    for (;;) {
      let high = low; // the block from low to high hangs together
      while (high < n - 1 && Math.abs(e[high]) > 2 ** -52 * (Math.abs(d[high]) + Math.abs(d[high + 1]))) high++;
      if (high === low) break;
      sweep(d, e, vectors, low, high);
    }
  }
  const order = Array.from(d.keys()).sort((a, b) => d[b] - d[a]);
  return { values: order.map((i) => d[i]), vectors: order.map((i) => vectors[i]) };
}

/** One step of QL on the block from low to high: e[low] shrinks, d[low] comes closer to an eigenvalue. */
function sweep(d, e, vectors, low, high) {
  const half = (d[low + 1] - d[low]) / (2 * e[low]);
  const root = Math.hypot(half, 1);
  let g = d[high] - d[low] + e[low] / (half + (half >= 0 ? root : -root)); // Wilkinson's shift
  let sin = 1, cos = 1, p = 0, i = high - 1;
  for (; i >= low; i--) {
    const f = sin * e[i], b = cos * e[i];
    const r = Math.hypot(f, g);
    e[i + 1] = r;
    if (r === 0) {
      d[i + 1] -= p;
      break;
    }
    sin = f / r;
    cos = g / r;
    g = d[i + 1] - p;
    const t = (d[i] - g) * sin + 2 * cos * b;
    p = sin * t;
    d[i + 1] = g + p;
    g = cos * t - b;
    rotate(vectors[i], vectors[i + 1], cos, sin);
  }
  e[high] = 0;
  if (i >= low) return;
  d[low] -= p;
  e[low] = g;
}

/** Two vectors turned in their plane, in place. */
function rotate(x, y, cos, sin) {
  for (let k = 0; k < x.length; k++) {
    const was = y[k];
    y[k] = sin * x[k] + cos * was;
    x[k] = cos * x[k] - sin * was;
  }
}
