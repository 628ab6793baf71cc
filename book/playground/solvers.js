// The largest eigenpairs of a symmetric matrix A (n, n). Twin: simsam/spectral/solvers.py.
// Both solvers give {values: [largest, ...], vectors: [Float64Array n, ...]}, orthonormal. `first`, if it is
// known, is the eigenvector of the largest eigenvalue.

import { addScaled, dot, lengthOf, matrix, rowOf, timesVector } from "./linalg.js";
import { Generator, uniform } from "./random.js";
import { householder, reflectBack, tridiagonalEigen } from "./tridiagonal.js";

const DENSE_BELOW = 129; // tokens
const TIE = 1e-5; // eigenvalues closer than this, beside the norm of the matrix, may be one
const CONVERGED = 1e-8; // how wrong an eigenpair may still be, beside the norm of the matrix

/** The k largest eigenpairs, and more where others share the k-th eigenvalue. Twin: largest. */
export function largestPairs(A, k, first = null) {
  if (first && isOnly(A, first)) return lonePair(first);
  if (A.rows < DENSE_BELOW || 3 * k > A.rows || inParts(A)) return densePairs(A, k, first);
  const known = first ? [first] : [], wanted = k - known.length, tie = TIE * normOf(A);
  const { values, vectors } = lanczos(A, wanted + 1, known);
  // Lanczos sees one direction of an eigenspace: where values repeat, all of them are needed
  const repeated = values.some((value, i) => i > 0 && values[i - 1] - value < tie);
  if (repeated || oneIsMissing(A, values[wanted], [...known, ...vectors])) return densePairs(A, k, first);
  const rest = { values: values.slice(0, wanted), vectors: vectors.slice(0, wanted) };
  return first ? withFirst(A, first, rest) : rest;
}

/** Whether beside the vectors found there is an eigenvalue above the least of them: a second direction of an
 * eigenspace. Lanczos's values come from below, so a rough one is enough to tell. */
function oneIsMissing(A, least, found) {
  return lanczos(A, 1, found, 1e-3).values[0] > least + TIE * normOf(A);
}

/** The `count` largest eigenpairs by Lanczos's method, beside those that are known.
 *
 * v, A v, A A v, ... made orthonormal, each vector against all before it, twice: in this basis A is a
 * tridiagonal matrix T. Its largest eigenvalues approach those of A from below, soon those at the end of
 * the spectrum; |A u - mu u| of such a pair is beta times the last entry of T's eigenvector. */
export function lanczos(A, count, known = [], accuracy = CONVERGED) {
  const room = A.rows - known.length, norm = normOf(A), basis = [], diagonal = [], beside = [];
  // another start beside other vectors: the old one would hide what it could not see before
  const generator = new Generator(known.length);
  const fresh = () => orthogonal(uniform(A.rows, generator).map((u) => u - 0.5), [...known, ...basis]);
  let v = scaled(fresh());
  for (;;) {
    basis.push(v);
    const image = timesVector(A, v);
    diagonal.push(dot(image, v));
    const next = orthogonal(image, [...known, ...basis]);
    const beta = lengthOf(next);
    const full = basis.length === room, exhausted = beta < 1e-12 * norm;
    if (full || (basis.length > count && (exhausted || basis.length % 4 === 0))) {
      const T = tridiagonalEigen(diagonal, beside);
      const wrong = T.vectors.slice(0, count).map((s) => Math.abs(beta * s[s.length - 1]));
      if (full || wrong.every((size) => size < accuracy * norm)) return ritzPairs(T, basis, count);
    }
    // a space that A does not leave: on with a new direction
    v = exhausted ? scaled(fresh()) : scaled(next);
    beside.push(exhausted ? 0 : beta);
  }
}

/** Whether A is first first^T and nothing more: the graph that joins every pair of tokens in the same way. */
function isOnly(A, first) {
  return A.data.every((x, at) => Math.abs(x - first[Math.floor(at / A.cols)] * first[at % A.cols]) < 1e-12);
}

/** The eigenpairs of first first^T: one eigenvalue 1, and 0 for all that is orthogonal to `first`, of which the
 * reflection that takes the first axis to `first` gives a basis. */
function lonePair(first) {
  const v = first.slice();
  v[0] -= 1;
  const square = Math.max(dot(v, v), Number.MIN_VALUE);
  const rest = Array.from(first.subarray(1), (_, i) => {
    const axis = v.map((x) => (-2 * v[i + 1] * x) / square);
    axis[i + 1] += 1;
    return axis;
  });
  return { values: [1, ...rest.map(() => 0)], vectors: [first, ...rest] };
}

/** T's eigenvectors, in the basis, are those of A. */
function ritzPairs(T, basis, count) {
  const vectors = T.vectors.slice(0, count).map((s) => {
    const u = new Float64Array(basis[0].length);
    basis.forEach((v, i) => addScaled(u, v, s[i]));
    return scaled(u);
  });
  return { values: T.values.slice(0, count), vectors };
}

/** x without its part along each of some orthonormal vectors (in place); twice, since once leaves rounding. */
function orthogonal(x, others) {
  for (let again = 0; again < 2; again++) {
    for (const other of others) addScaled(x, other, -dot(x, other));
  }
  return x;
}

function scaled(x) {
  const length = Math.max(lengthOf(x), Number.MIN_VALUE);
  return x.map((value) => value / length);
}

/** All eigenpairs by Householder's and Givens' methods, the k largest kept, and what shares the k-th value.
 * Takes a second or two at 784 tokens: only where Lanczos would not do. Twin: dense. */
export function densePairs(A, k, first = null) {
  const { diagonal, beside, reflections } = householder(first ? deflated(A, first) : A);
  let { values, vectors } = tridiagonalEigen(diagonal, beside);
  if (first) {
    // the deflated one comes last; it is put in front of all
    values = [dot(timesVector(A, first), first), ...values.slice(0, -1)];
    vectors = [null, ...vectors.slice(0, -1)];
  }
  const tie = TIE * normOf(A);
  while (k < values.length && values[k - 1] - values[k] <= tie) k++;
  const kept = vectors.slice(0, k).map((s) => (s === null ? first : reflectBack(reflections, s)));
  return { values: values.slice(0, k), vectors: kept };
}

/** A with its known largest eigenpair moved below all others: A - c u u^T. Twin: deflate. */
function deflated(A, u) {
  const c = 2 * normOf(A), M = matrix(A.rows, A.cols, A.data.slice());
  for (let i = 0; i < A.rows; i++) addScaled(rowOf(M, i), u, -c * u[i]);
  return M;
}

/** Twin: _with_first. */
function withFirst(A, first, rest) {
  return { values: [dot(timesVector(A, first), first), ...rest.values], vectors: [first, ...rest.vectors] };
}

/** The largest sum of magnitudes of a row: no eigenvalue is larger. */
export function normOf(A) {
  let norm = 0;
  for (let i = 0; i < A.rows; i++) {
    const row = rowOf(A, i);
    let sum = 0;
    for (let j = 0; j < row.length; j++) sum += Math.abs(row[j]);
    norm = Math.max(norm, sum);
  }
  return norm;
}

/** Whether the graph of the matrix is disconnected: then its parts may share eigenvalues. Twin: _in_parts. */
export function inParts(A) {
  const reached = new Uint8Array(A.rows), open = [0];
  reached[0] = 1;
  let count = 1;
  while (open.length && count < A.rows) {
    const row = rowOf(A, open.pop());
    for (let j = 0; j < row.length; j++) {
      if (row[j] !== 0 && !reached[j]) {
        reached[j] = 1;
        count++;
        open.push(j);
      }
    }
  }
  return count < A.rows;
}
