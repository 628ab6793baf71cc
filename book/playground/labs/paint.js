/* What the labs paint: values on the grid of patches, one pixel each, and a photo with a mask. */

import { OBJECT_COLOUR } from "./colours.js";
import { made } from "./dom.js";

const GREY = 0.35; // what lies outside the mask keeps so much of its lightness; the rest is paper
const PAPER = 235;

/** A canvas that says what it shows: `describe` it each time it is painted. */
export function canvasFor(kind) {
  return made("canvas", { role: "img", className: kind });
}

/** Paint (rows x cols) values; `colour(value)` gives a number of colours.js. */
export function paintMap(canvas, [rows, cols], values, colour) {
  canvas.width = cols;
  canvas.height = rows;
  const context = canvas.getContext("2d");
  const image = context.createImageData(cols, rows);
  const pixels = new Uint32Array(image.data.buffer);
  for (let i = 0; i < pixels.length; i++) pixels[i] = colour(values[i]);
  context.putImageData(image, 0, 0);
}

/** The photo in colour inside the mask (H * W), pale outside, with an outline between. */
export function paintMask(canvas, picture, mask, [rows, cols]) {
  canvas.width = cols;
  canvas.height = rows;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(picture, 0, 0, cols, rows);
  const image = context.getImageData(0, 0, cols, rows), pixels = image.data;
  for (let i = 0; i < mask.length; i++) {
    if (mask[i]) continue;
    const light = 0.3 * pixels[4 * i] + 0.59 * pixels[4 * i + 1] + 0.11 * pixels[4 * i + 2];
    pixels.fill(GREY * light + (1 - GREY) * PAPER, 4 * i, 4 * i + 3);
  }
  const [red, green, blue] = OBJECT_COLOUR.match(/\w\w/g).map((pair) => parseInt(pair, 16));
  for (const i of outline(mask, rows, cols, 2)) pixels.set([red, green, blue], 4 * i);
  context.putImageData(image, 0, 0);
}

/** The pixels inside a mask that are less than `width` from its edge; the frame is no edge. */
function* outline(mask, rows, cols, width) {
  const inside = (y, x) => y < 0 || x < 0 || y >= rows || x >= cols || mask[y * cols + x];
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < cols; x++) {
      if (!mask[y * cols + x]) continue;
      const around = inside(y - width, x) && inside(y + width, x) && inside(y, x - width) && inside(y, x + width);
      if (!around) yield y * cols + x;
    }
  }
}
