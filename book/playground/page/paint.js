/* What only the playground's own views paint: the sorted matrix, and points. */

import { paintPixels } from "../canvas.js";
import { OBJECT_COLOUR, REST_COLOUR, plainColour, signedColour } from "../colours.js";

export const plainScale = (high) => (value) => plainColour(value, high);
export const signedScale = (high) => (value) => signedColour(value, high);

/** W (n x n) with rows and columns in the given order. */
export function paintSorted(canvas, W, order, high) {
  const n = order.length;
  paintPixels(canvas, [n, n], (pixels) => {
    for (let i = 0; i < n; i++) {
      const row = order[i] * n;
      for (let j = 0; j < n; j++) pixels[i * n + j] = plainColour(W[row + order[j]], high);
    }
  });
}

/** Points in a square, `at` [x, y] in [0, 1] with y upwards; round on the object, square elsewhere. */
export function paintPoints(canvas, points, onObject, side) {
  const scale = Math.min(3, globalThis.devicePixelRatio || 1);
  canvas.width = canvas.height = Math.round(side * scale);
  const context = canvas.getContext("2d");
  context.scale(scale, scale);
  context.globalAlpha = 0.6;
  points.forEach(([x, y], i) => {
    context.fillStyle = onObject[i] ? OBJECT_COLOUR : REST_COLOUR;
    if (!onObject[i]) return context.fillRect(x * side - 1.5, (1 - y) * side - 1.5, 3, 3);
    context.beginPath();
    context.arc(x * side, (1 - y) * side, 2.2, 0, 2 * Math.PI);
    context.fill();
  });
}
