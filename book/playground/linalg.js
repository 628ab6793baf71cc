// Matrices, and the products that take nearly all of the time. Twin: torch's `@` and torch.linalg.
//
// A Matrix is {rows, cols, data}: data a Float64Array in row-major order, entry (i, j) at data[i * cols + j].
// Python computes in float32; JavaScript's own numbers are float64, and the results agree to float32's digits.

import { productInTiles } from "./simd.js";

const TINY = 1e-12; // what a shorter row counts as, as in torch's normalize
const BLOCK = 32; // rows that stay in the processor's cache

/** A Matrix of zeros, or one made of numbers that are there already. */
export function matrix(rows, cols, data = null) {
  const numbers = data instanceof Float64Array ? data : new Float64Array(data || rows * cols);
  return { rows, cols, data: numbers };
}

/** Row i, not copied. Twin: A[i]. */
export function rowOf(A, i) {
  return A.data.subarray(i * A.cols, (i + 1) * A.cols);
}

/** Twin: A.T */
export function transpose(A) {
  const T = matrix(A.cols, A.rows);
  for (let i = 0; i < A.rows; i++) {
    for (let j = 0; j < A.cols; j++) T.data[j * A.rows + i] = A.data[i * A.cols + j];
  }
  return T;
}

/** Twin: A @ B.T, (m, d) and (n, d) -> (m, n): the dot products of all rows. Every product here is this one. */
export function timesTransposed(A, B, symmetric = false) {
  const C = matrix(A.rows, B.rows);
  if (!productInTiles(A, B, C, symmetric)) productInLoops(A, B, C, symmetric);
  if (symmetric) mirror(C);
  return C;
}

/** C = A B^T, of a symmetric C only the upper half; see simd.js for what is faster.
 * Four rows meet four rows at a time, so that a number that was fetched is used four times. */
export function productInLoops(A, B, C, symmetric = false) {
  for (let begin = 0; begin < B.rows; begin += BLOCK) {
    const end = Math.min(begin + BLOCK, B.rows);
    for (let i = 0; i < (symmetric ? end : A.rows); i += 4) {
      for (let j = begin; j < end; j += 4) fourByFour(A, B, C, i, j);
    }
  }
}

/** Twin: A @ A.T, of which only half has to be computed. */
export function gram(A) {
  return timesTransposed(A, A, true);
}

/** Twin: A @ B, (m, d) and (d, n) -> (m, n). */
export function times(A, B) {
  return timesTransposed(A, transpose(B));
}

/** The 16 products of rows i to i + 3 of A and j to j + 3 of B; a row beyond the last repeats the last. */
function fourByFour(A, B, C, i, j) {
  const d = A.cols, a = A.data, b = B.data, lastA = A.rows - 1, lastB = B.rows - 1;
  const i1 = Math.min(i + 1, lastA), i2 = Math.min(i + 2, lastA), i3 = Math.min(i + 3, lastA);
  const j1 = Math.min(j + 1, lastB), j2 = Math.min(j + 2, lastB), j3 = Math.min(j + 3, lastB);
  const a0 = i * d, a1 = i1 * d, a2 = i2 * d, a3 = i3 * d;
  const b0 = j * d, b1 = j1 * d, b2 = j2 * d, b3 = j3 * d;
  let s00 = 0, s01 = 0, s02 = 0, s03 = 0, s10 = 0, s11 = 0, s12 = 0, s13 = 0;
  let s20 = 0, s21 = 0, s22 = 0, s23 = 0, s30 = 0, s31 = 0, s32 = 0, s33 = 0;
  for (let c = 0; c < d; c++) {
    const x0 = a[a0 + c], x1 = a[a1 + c], x2 = a[a2 + c], x3 = a[a3 + c];
    let y = b[b0 + c];
    s00 += x0 * y; s10 += x1 * y; s20 += x2 * y; s30 += x3 * y;
    y = b[b1 + c];
    s01 += x0 * y; s11 += x1 * y; s21 += x2 * y; s31 += x3 * y;
    y = b[b2 + c];
    s02 += x0 * y; s12 += x1 * y; s22 += x2 * y; s32 += x3 * y;
    y = b[b3 + c];
    s03 += x0 * y; s13 += x1 * y; s23 += x2 * y; s33 += x3 * y;
  }
  const n = C.cols, out = C.data;
  out[i3 * n + j3] = s33; out[i3 * n + j2] = s32; out[i3 * n + j1] = s31; out[i3 * n + j] = s30;
  out[i2 * n + j3] = s23; out[i2 * n + j2] = s22; out[i2 * n + j1] = s21; out[i2 * n + j] = s20;
  out[i1 * n + j3] = s13; out[i1 * n + j2] = s12; out[i1 * n + j1] = s11; out[i1 * n + j] = s10;
  out[i * n + j3] = s03; out[i * n + j2] = s02; out[i * n + j1] = s01; out[i * n + j] = s00;
}

/** The lower half of a symmetric matrix from its upper half. */
function mirror(C) {
  for (let i = 0; i < C.rows; i++) {
    for (let j = 0; j < i; j++) C.data[i * C.cols + j] = C.data[j * C.cols + i];
  }
}

/** Twin: A @ x, a matrix and a vector. Four rows at a time: none has to wait for the sum of another. */
export function timesVector(A, x) {
  const y = new Float64Array(A.rows), n = A.cols, a = A.data;
  let i = 0;
  for (; i + 3 < A.rows; i += 4) {
    const r0 = i * n, r1 = r0 + n, r2 = r1 + n, r3 = r2 + n;
    let s0 = 0, s1 = 0, s2 = 0, s3 = 0;
    for (let j = 0; j < n; j++) {
      s0 += a[r0 + j] * x[j]; s1 += a[r1 + j] * x[j]; s2 += a[r2 + j] * x[j]; s3 += a[r3 + j] * x[j];
    }
    y[i] = s0; y[i + 1] = s1; y[i + 2] = s2; y[i + 3] = s3;
  }
  for (; i < A.rows; i++) y[i] = dot(rowOf(A, i), x);
  return y;
}

/** Twin: x.norm(). */
export function lengthOf(x) {
  return Math.sqrt(dot(x, x));
}

/** Twin: x @ y of two vectors. */
export function dot(x, y) {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += x[i] * y[i];
  return sum;
}

/** y + factor * x, written over y. Twin: y.add_(x, alpha=factor). */
export function addScaled(y, x, factor) {
  for (let i = 0; i < y.length; i++) y[i] += factor * x[i];
}

/** Twin: torch.nn.functional.normalize(A, dim=-1): each row at unit length, as a new matrix. */
export function unitRows(A) {
  const U = matrix(A.rows, A.cols);
  for (let i = 0; i < A.rows; i++) {
    const row = rowOf(A, i), unit = rowOf(U, i);
    addScaled(unit, row, 1 / Math.max(lengthOf(row), TINY));
  }
  return U;
}

/** The X with A X = B, A symmetric and positive definite. Twin: cholesky_solve(B, cholesky(A)).
 * The factor L, A = L L^T, is written over A; then L Y = B and L^T X = Y, for each column of B. */
export function solvePositive(A, B) {
  const n = A.rows, L = A.data;
  for (let i = 0; i < n; i++) {
    let rest = L[i * n + i];
    for (let j = 0; j < i; j++) rest -= L[i * n + j] ** 2;
    if (!(rest > 0)) throw new Error("The matrix is singular: give a larger ridge.");
    L[i * n + i] = Math.sqrt(rest);
    for (let r = i + 1; r < n; r += 4) substitute(A, A, r, i, 0, i); // the entries below
  }
  const X = transpose(B), upper = transpose(A); // a column of B is a row now: its entries lie side by side
  const blocks = Array.from({ length: Math.ceil(n / BLOCK) }, (_, i) => [i * BLOCK, Math.min((i + 1) * BLOCK, n)]);
  for (const [begin, end] of blocks) {
    lessKnown(X, A, begin, end, 0, begin);
    for (let r = 0; r < X.rows; r += 4) for (let i = begin; i < end; i++) substitute(A, X, r, i, begin, i);
  }
  for (const [begin, end] of blocks.reverse()) {
    lessKnown(X, upper, begin, end, end, n);
    for (let r = 0; r < X.rows; r += 4) for (let i = end - 1; i >= begin; i--) substitute(upper, X, r, i, i + 1, end);
  }
  return transpose(X);
}

/** The columns `begin` to `end` of X less what the unknowns `from` to `to` make of them, in place: one product. */
function lessKnown(X, T, begin, end, from, to) {
  if (from === to) return;
  const known = timesTransposed(columnsOf(X, 0, X.rows, from, to), columnsOf(T, begin, end, from, to));
  for (let r = 0; r < X.rows; r++) addScaled(rowOf(X, r).subarray(begin, end), rowOf(known, r), -1);
}

/** A copy of the columns `left` to `right` of some rows. Twin: A[top:bottom, left:right]. */
function columnsOf(A, top, bottom, left, right) {
  const part = matrix(bottom - top, right - left);
  for (let i = top; i < bottom; i++) rowOf(part, i - top).set(rowOf(A, i).subarray(left, right));
  return part;
}

/** Unknown i of the rows r to r + 3 of X from the unknowns `begin` to `end`, in place. T is triangular. */
function substitute(T, X, r, i, begin, end) {
  const n = T.cols, t = T.data, x = X.data, at = i * n, last = X.rows - 1;
  const r0 = r * n, r1 = Math.min(r + 1, last) * n, r2 = Math.min(r + 2, last) * n, r3 = Math.min(r + 3, last) * n;
  let s0 = x[r0 + i], s1 = x[r1 + i], s2 = x[r2 + i], s3 = x[r3 + i];
  for (let j = begin; j < end; j++) {
    const factor = t[at + j];
    s0 -= factor * x[r0 + j]; s1 -= factor * x[r1 + j]; s2 -= factor * x[r2 + j]; s3 -= factor * x[r3 + j];
  }
  const by = t[at + i];
  x[r3 + i] = s3 / by; x[r2 + i] = s2 / by; x[r1 + i] = s1 / by; x[r0 + i] = s0 / by;
}
