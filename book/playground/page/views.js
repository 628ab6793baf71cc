/* The linked views: each stage's picture, and the same two patches marked in all of them. */

import { paintMap, paintMask } from "../canvas.js";
import { figure, made, say } from "../elements.js";
import { highWeight, listen, makeMap, nearestPoint, sortedPatches, squarePoints } from "./map.js";
import { paintPoints, paintSorted, plainScale, signedScale } from "./paint.js";
import { makePatchGrid, patchName, patchWords } from "./patch.js";

const EIGENVECTORS = [2, 3, 4, 5, 6, 7]; // counted from one, as the text does
const POINTS_SIDE = 240; // of the picture of points, in CSS pixels

/** Make the views inside `root`; `choose([row, column])` hears of a patch that the reader chooses.
    Returns {draw(seen), patch([row, column]), truth(whether to show it), redraw()},
    seen = {photo, picture, result, truth}; after a draw, say which patch. */
export function makeViews(root, choose) {
  const boxOf = (name) => root.querySelector(`[data-view=${name}] .pg-map`);
  const valueOf = (name) => root.querySelector(`[data-view=${name}] .pg-value`);
  const picture = makeMap(boxOf("photo"), made("img", { alt: "", draggable: false }));
  const canvases = {};
  for (const name of ["row", "mask", "matrix", "points", "score"]) canvases[name] = makeMap(boxOf(name));
  const vectors = EIGENVECTORS.map((k) => makeVector(root.querySelector(".pg-eigenvectors"), k));
  const grid = makePatchGrid(root.querySelector("[data-view=photo] .pg-grid"), choose);
  const minis = [...root.querySelectorAll("[data-mini]")], small = { ...canvases, y2: vectors[0].canvas };

  let seen = null, sorted = null, points = null, chosen = 0, pointed = null, shownRow = -1;

  const toPair = (i) => [Math.floor(i / seen.result.grid[1]), i % seen.result.grid[1]];
  const patchAt = (x, y) => {
    const [rows, columns] = seen.result.grid;
    return Math.floor(y * rows) * columns + Math.floor(x * columns);
  };
  const hear = (point) => ({ point: (i) => seen && point(i), choose: (i) => seen && choose(toPair(i)) });
  const inPhoto = hear((i) => mark(i, i ?? chosen)); // over the photo, the row of W follows the pointer
  const elsewhere = hear((i) => mark(i, chosen));
  const flat = ["row", "mask", "score"].map(boxOf).concat(vectors.map((vector) => vector.box));
  listen(boxOf("photo"), (x, y) => seen && patchAt(x, y), inPhoto);
  for (const box of flat) listen(box, (x, y) => seen && patchAt(x, y), elsewhere);
  listen(boxOf("matrix"), (x, y) => seen && sorted.order[Math.floor(y * sorted.order.length)], elsewhere);
  listen(boxOf("points"), (x, y) => seen && nearestPoint(points, x, 1 - y), elsewhere);

  function draw(now) {
    const first = seen?.photo !== now.photo;
    seen = now;
    const { result, photo } = seen, { grid: [rows, columns], affinity, score } = result, n = rows * columns;
    root.style.setProperty("--rows", rows);
    root.style.setProperty("--columns", columns);
    root.style.setProperty("--n", n);
    root.style.setProperty("--aspect", photo.shape[1] / photo.shape[0]);
    if (first) Object.assign(picture, { src: photo.picture, alt: photo.alt });
    seen.high = highWeight(affinity, n);
    sorted = sortedPatches(result.eigenvectors.subarray(n, 2 * n));
    drawVectors(vectors, result);
    paintSorted(canvases.matrix, affinity, sorted.order, seen.high);
    canvases.matrix.setAttribute("aria-label", `The ${n} by ${n} weights W, patches in the order of y₂`);
    drawPoints(result);
    paintMap(canvases.score, [rows, columns], score, signedScale(greatest(score)));
    canvases.score.setAttribute("aria-label", "The score of each patch: orange on the object, violet elsewhere");
    drawMask();
    shownRow = -1;
  }

  function drawPoints({ grid: [rows, columns], eigenvectors, score }) {
    const n = rows * columns, third = eigenvectors.length >= 3 * n;
    const y3 = third ? eigenvectors.subarray(2 * n, 3 * n) : new Float32Array(n);
    points = squarePoints(eigenvectors.subarray(n, 2 * n), y3);
    paintPoints(canvases.points, points, score.map((value) => value > 0), POINTS_SIDE);
    const words = "Each patch as a point at its entries of y₂ (across) and y₃ (up); round and orange: object";
    canvases.points.setAttribute("aria-label", words);
  }

  function drawMask() {
    const { result, photo, picture: loaded, truth } = seen;
    const dark = document.documentElement.dataset.theme === "dark";
    paintMask(canvases.mask, loaded, result.mask, photo.shape, {
      paper: dark ? 45 : 235,
      truth: truth ? photo.truth : null,
    });
    const words = maskWords(result, photo);
    canvases.mask.setAttribute("aria-label", `The photo, faded outside the mask. ${words}`);
    say(valueOf("mask"), words);
  }

  /** Mark the chosen patch, and show its row of W. */
  function patch([row, column]) {
    if (!seen) return;
    const [rows, columns] = seen.result.grid;
    chosen = Math.min(row, rows - 1) * columns + Math.min(column, columns - 1);
    place("", chosen);
    grid.show(seen.result.grid, toPair(chosen), patchName(chosen, columns));
    say(root.querySelector(".pg-said"), patchWords(seen.result, chosen));
    mark(pointed, chosen);
    for (const mini of minis) copy(small[mini.dataset.mini], mini);
  }

  /** Mark the patch under the pointer, if any; show the row of `shown`. */
  function mark(i, shown) {
    pointed = i;
    root.classList.toggle("pg-pointing", i !== null && i !== chosen);
    if (i !== null) place("2", i);
    if (shown !== shownRow) drawRow(shown);
    const { result: { affinity, score, grid: [, columns] } } = seen;
    const weight = i === null || i === shown ? null : affinity[shown * score.length + i];
    const scale = `Brightest: ${figure(seen.high)} or more`;
    say(valueOf("row"), weight === null ? scale : `To ${patchName(i, columns)}: ${figure(weight, 3)}`);
  }

  function drawRow(i) {
    const { result: { affinity, grid: [rows, columns] }, high } = seen, n = rows * columns;
    shownRow = i;
    paintMap(canvases.row, [rows, columns], affinity.subarray(i * n, i * n + n), plainScale(high));
    canvases.row.setAttribute("aria-label", `The similarity of the patch in ${patchName(i, columns)} to every patch`);
  }

  function place(which, i) {
    const set = (name, value) => root.style.setProperty(`--${name}${which}`, value);
    const [row, column] = toPair(i);
    set("row", row);
    set("column", column);
    set("rank", sorted.rank[i]);
    set("x", points[i][0]);
    set("y", points[i][1]);
  }

  function truth(show) {
    if (!seen) return;
    seen.truth = show;
    drawMask();
  }

  return { draw, patch, truth, redraw: () => seen && drawMask() };
}

/** One eigenvector's map with its name and eigenvalue. */
function makeVector(parent, k) {
  const box = made("div", { className: "pg-map" }), value = made("span", { className: "pg-value" });
  const name = made("span", { className: "pg-name" }, "y", made("sub", {}, String(k)));
  parent.append(made("div", { className: "pg-vector" }, made("div", {}, name, " ", value), box));
  return { k, box, value, canvas: makeMap(box) };
}

function drawVectors(vectors, { grid: [rows, columns], eigenvalues, eigenvectors }) {
  const n = rows * columns;
  for (const { k, box, value, canvas } of vectors) {
    const there = k <= eigenvalues.length;
    box.parentElement.classList.toggle("pg-absent", !there);
    if (!there) continue;
    say(value, `λ ${figure(eigenvalues[k - 1], 3)}`);
    const y = eigenvectors.subarray((k - 1) * n, k * n);
    paintMap(canvas, [rows, columns], y, signedScale(greatest(y)));
    canvas.setAttribute("aria-label", `Eigenvector ${k} as a map of the patches: orange positive, violet negative`);
  }
}

/** How large the mask is, and how well it fits. */
function maskWords(result, photo) {
  const share = result.mask.reduce((sum, inside) => sum + inside, 0) / result.mask.length;
  const fit = photo.truth ? `, IoU ${figure(result.iou)}` : "";
  return `${Math.round(100 * share)} % of the photo${fit}`;
}

/** The largest magnitude, without a loose end or two that would pale the rest. */
function greatest(values) {
  const sizes = Float32Array.from(values, Math.abs).sort();
  return sizes[Math.floor(0.995 * (sizes.length - 1))] || 1e-9;
}

function copy(from, to) {
  to.width = from.width;
  to.height = from.height;
  to.getContext("2d").drawImage(from, 0, 0);
}
