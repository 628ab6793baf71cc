// The inner loop of every product of matrices, as a WebAssembly function that works on two numbers at a time (SIMD):
// the plain loops of linalg.js take four times as long. The function is small enough to be written down here,
// instruction by instruction. Where a browser has no SIMD, linalg.js does without.

const TALL = 4; // a tile of C: four rows of A meet two rows of B, and their sums stay in registers
const WIDE = 2;
const PAIR = 16; // bytes of a vector: two numbers
const PAGE = 65536; // bytes: WebAssembly's memory grows by pages
const KEPT_CLOSE = 32; // rows of B that stay in the processor's cache

// The parameters of the function are its first locals: where the rows of A and B begin, where the tile goes, and
// the bytes from one row to the next, of A and B and of C.
const FROM_A = 0;
const FROM_B = 1;
const TO_C = 2;
const ROW = 3;
const ROW_C = 4;
const END = 5; // the first local that is no parameter: where the first row of A ends

const get = (local) => [0x20, local];
const set = (local) => [0x21, local];
const WORD = 0x7f; // a type: a whole number of 32 bits
const VECTOR = 0x7b; // and another: 128 bits, here two numbers
const PLUS = 0x6a; // of whole numbers
const LOAD = [0xfd, 0, 3, 0]; // of vectors, as the next two
const TIMES = [0xfd, 0xf2, 1];
const ADD = [0xfd, 0xf0, 1];
const bothLanes = (vector) => [...get(vector), 0xfd, 0x21, 0, ...get(vector), 0xfd, 0x21, 1, 0xa0]; // their sum

/** The instructions of the function, and how many locals of each type it has. */
function tileCode() {
  let locals = END + 1;
  const several = (count) => Array.from({ length: count }, () => locals++);
  const a = [FROM_A, ...several(TALL - 1)], b = [FROM_B, ...several(WIDE - 1)], words = locals - END;
  const sums = Array.from({ length: WIDE }, () => several(TALL)), x = several(TALL), [y] = several(1);
  const next = (row, i, rows) => (i ? [...get(rows[i - 1]), ...get(ROW), PLUS, ...set(row)] : []);
  const code = [
    ...[a, b].flatMap((rows) => rows.flatMap(next)), // where each row begins
    ...[get(FROM_A), get(ROW), PLUS, set(END)].flat(),
    0x03, 0x40, // loop
    ...x.flatMap((vector, i) => [...get(a[i]), ...LOAD, ...set(vector)]),
    ...b.flatMap((row, j) => [
      ...[...get(row), ...LOAD, ...set(y)],
      ...sums[j].flatMap((sum, i) => [...get(sum), ...get(x[i]), ...get(y), ...TIMES, ...ADD, ...set(sum)]),
    ]),
    ...[...a, ...b].flatMap((row) => [...get(row), 0x41, PAIR, PLUS, ...set(row)]),
    ...[...get(FROM_A), ...get(END), 0x49, 0x0d, 0, 0x0b], // again, while the row of A is not at its end
    ...a.flatMap((_, i) => [
      ...sums.flatMap((column, j) => [...get(TO_C), ...bothLanes(column[i]), 0x39, 3, 8 * j]), // store
      ...[...get(TO_C), ...get(ROW_C), PLUS, ...set(TO_C)],
    ]),
    0x0b, // end
  ];
  return { code, words, vectors: locals - END - words };
}

/** A number as WebAssembly writes lengths: seven bits a byte, the lowest first. */
function lengthBytes(number) {
  return number < 128 ? [number] : [(number % 128) + 128, ...lengthBytes(Math.floor(number / 128))];
}

const sized = (bytes) => [...lengthBytes(bytes.length), ...bytes];
const named = (letters) => sized([...letters].map((letter) => letter.charCodeAt(0)));

/** The module that holds the function `tile`, and takes its memory from outside. */
export function tileModule() {
  const { code, words, vectors } = tileCode();
  const body = [2, words, WORD, vectors, VECTOR, ...code];
  return Uint8Array.from([
    ...[0, ...named("asm").slice(1), 1, 0, 0, 0],
    ...[1, ...sized([1, 0x60, 5, WORD, WORD, WORD, WORD, WORD, 0])], // one type: five whole numbers, no result
    ...[2, ...sized([1, ...named("from"), ...named("memory"), 2, 0, 1])], // one import
    ...[3, ...sized([1, 0])], // one function, of that type
    ...[7, ...sized([1, ...named("tile"), 0, 0])], // one export
    ...[10, ...sized([1, ...sized(body)])],
  ]);
}

/** {tile, memory}, or null where the browser has no SIMD or a site's rules forbid WebAssembly. */
function startTiles() {
  try {
    const memory = new WebAssembly.Memory({ initial: 1 });
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(tileModule()), { from: { memory } });
    return { tile: exports.tile, memory };
  } catch {
    return null;
  }
}

let started; // once for each thread

/** C = A B^T, of a symmetric C only the upper half; false where this browser has to take the plain loops. */
export function productInTiles(A, B, C, symmetric = false) {
  if (started === undefined) started = startTiles();
  if (!started) return false;
  // rows are filled up with zeros to whole vectors, matrices to whole tiles
  const upTo = (count, whole) => Math.ceil(count / whole) * whole;
  const d = upTo(A.cols, 2), m = upTo(A.rows, TALL), n = upTo(B.rows, TALL), same = A === B;
  const atB = same ? 0 : 8 * m * d, atC = atB + 8 * n * d, bytes = atC + 8 * m * n;
  const { tile, memory } = started, missing = bytes - memory.buffer.byteLength;
  if (missing > 0) memory.grow(Math.ceil(missing / PAGE));
  fillRows(new Float64Array(memory.buffer, 0, m * d), A, d);
  if (!same) fillRows(new Float64Array(memory.buffer, atB, n * d), B, d);
  for (let begin = 0; begin < n; begin += KEPT_CLOSE) {
    const end = Math.min(begin + KEPT_CLOSE, n);
    for (let i = 0; i < (symmetric ? end : m); i += TALL) {
      for (let j = begin; j < end; j += WIDE) tile(8 * i * d, atB + 8 * j * d, atC + 8 * (i * n + j), 8 * d, 8 * n);
    }
  }
  const product = new Float64Array(memory.buffer, atC, m * n);
  for (let i = 0; i < C.rows; i++) C.data.set(product.subarray(i * n, i * n + C.cols), i * C.cols);
  return true;
}

/** The matrix's rows, `width` numbers from one to the next, and zeros behind them. */
function fillRows(numbers, M, width) {
  numbers.fill(0);
  for (let i = 0; i < M.rows; i++) numbers.set(M.data.subarray(i * M.cols, (i + 1) * M.cols), i * width);
}
