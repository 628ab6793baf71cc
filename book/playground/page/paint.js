/* What the views paint on their canvases: maps on the grid, the sorted matrix, points, and the mask. */

import { OBJECT_COLOUR, REST_COLOUR, plainColour, signedColour } from "./colours.js";

/** Paint (rows x cols) values, one pixel each; `colour(value)` gives a number of colours.js. */
export function paintMap(canvas, rows, cols, values, colour) {
  paintPixels(canvas, rows, cols, (pixels) => {
    for (let i = 0; i < pixels.length; i++) pixels[i] = colour(values[i]);
  });
}

export const plainScale = (high) => (value) => plainColour(value, high);
export const signedScale = (high) => (value) => signedColour(value, high);

function paintPixels(canvas, rows, cols, fill) {
  canvas.width = cols;
  canvas.height = rows;
  const context = canvas.getContext("2d");
  const image = context.createImageData(cols, rows);
  fill(new Uint32Array(image.data.buffer));
  context.putImageData(image, 0, 0);
}

/** W (n x n) with rows and columns in the given order. */
export function paintSorted(canvas, W, order, high) {
  const n = order.length;
  paintPixels(canvas, n, n, (pixels) => {
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

const GREY = 0.35; // what lies outside the mask keeps so much of its lightness; the rest is paper

/** The photo, faded to `paper` (a grey level) outside the mask, with its outline, and the true one's in dashes. */
export function paintMask(canvas, picture, mask, truth, [rows, cols], paper) {
  canvas.width = cols;
  canvas.height = rows;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(picture, 0, 0, cols, rows);
  const image = context.getImageData(0, 0, cols, rows), pixels = image.data;
  for (let i = 0; i < mask.length; i++) {
    if (mask[i]) continue;
    const light = 0.3 * pixels[4 * i] + 0.59 * pixels[4 * i + 1] + 0.11 * pixels[4 * i + 2];
    pixels.fill(GREY * light + (1 - GREY) * paper, 4 * i, 4 * i + 3);
  }
  const colours = new Uint32Array(pixels.buffer);
  outline(mask, rows, cols, 2, (i) => (colours[i] = 0xff009fe6)); // OBJECT_COLOUR, as ABGR
  if (truth) outline(truth, rows, cols, 1, (i, y, x) => (colours[i] = (x + y) % 8 < 4 ? 0xffffffff : 0xff000000));
  context.putImageData(image, 0, 0);
}

/** Call `put(i, y, x)` on the pixels inside a mask that are less than `width` from its edge. */
function outline(mask, rows, cols, width, put) {
  const inside = (y, x) => y < 0 || x < 0 || y >= rows || x >= cols || mask[y * cols + x]; // no line along the frame
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < cols; x++) {
      if (!mask[y * cols + x]) continue;
      const around = inside(y - width, x) && inside(y + width, x) && inside(y, x - width) && inside(y, x + width);
      if (!around) put(y * cols + x, y, x);
    }
  }
}
