// Two views of one grid of tokens: random affine maps of its plane. Twin: simsam/siamese/views.py.

import { addScaled, matrix, rowOf } from "./linalg.js";
import { uniform } from "./random.js";

/** `count` maps {linear: [a, b, c, d], shift: [y, x]} from output to input positions, which are (y, x) in
 * tokens from the centre of the grid. `ranges` has the names of a recipe's settings. Twin: random_affine. */
export function randomAffine(count, grid, ranges, generator) {
  const { view_scale = 0.2, view_degrees = 15, view_shear = 0.2, view_shift = 0.1 } = ranges;
  const draws = uniform(6 * count, generator).map((u) => 2 * u - 1);
  return Array.from({ length: count }, (_, i) => {
    const [size, turn, down, across, up, left] = draws.subarray(6 * i, 6 * i + 6);
    const scale = 1 + view_scale * size;
    const angle = (view_degrees * Math.PI * turn) / 180;
    const cos = Math.cos(angle), sin = Math.sin(angle);
    const [p, q] = [view_shear * down, view_shear * across];
    // scale * [[cos, sin], [-sin, cos]] @ [[1, p], [q, 1]]
    const linear = [cos + sin * q, cos * p + sin, cos * q - sin, cos - sin * p].map((x) => scale * x);
    return { linear, shift: [view_shift * up * grid[0], view_shift * left * grid[1]] };
  });
}

/** The tokens (n, d) as one map shows them, (n, d): bilinear between tokens, reflected at the border of the
 * grid. Twin: apply_views. */
export function applyView(tokens, grid, map) {
  const view = matrix(tokens.rows, tokens.cols);
  for (let i = 0; i < tokens.rows; i++) {
    for (const [which, weight] of fourNeighbours(grid, map, Math.floor(i / grid[1]), i % grid[1])) {
      addScaled(rowOf(view, i), rowOf(tokens, which), weight);
    }
  }
  return view;
}

/** The four tokens between which the map finds the token (y, x) of the view, and their weights. */
function fourNeighbours([h, w], { linear, shift }, y, x) {
  const fromCentre = [y - (h - 1) / 2, x - (w - 1) / 2];
  const there = [0, 1].map((i) => linear[2 * i] * fromCentre[0] + linear[2 * i + 1] * fromCentre[1] + shift[i]);
  const row = reflected(there[0] + (h - 1) / 2, h), col = reflected(there[1] + (w - 1) / 2, w);
  const top = Math.floor(row), bottom = Math.min(top + 1, h - 1), p = row - top;
  const left = Math.floor(col), right = Math.min(left + 1, w - 1), q = col - left;
  return [
    [top * w + left, (1 - p) * (1 - q)],
    [top * w + right, (1 - p) * q],
    [bottom * w + left, p * (1 - q)],
    [bottom * w + right, p * q],
  ];
}

/** A place on a line of `count` tokens, reflected at its ends, half a token beyond the outermost centres. */
function reflected(place, count) {
  const period = 2 * count;
  const inside = (((place + 0.5) % period) + period) % period;
  return Math.min(Math.max(Math.min(inside, period - inside) - 0.5, 0), count - 1);
}
