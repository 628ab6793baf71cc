/* What the page and the labs paint on a canvas: values on the grid of patches, and a photo with a mask. */

/** Paint rows x cols pixels; `fill(pixels)` gets them as a Uint32Array of colours (see colours.js). */
export function paintPixels(canvas, [rows, cols], fill) {
  canvas.width = cols;
  canvas.height = rows;
  const context = canvas.getContext("2d");
  const image = context.createImageData(cols, rows);
  fill(new Uint32Array(image.data.buffer));
  context.putImageData(image, 0, 0);
}

/** Paint (rows x cols) values, one pixel each; `colour(value)` gives a number of colours.js. */
export function paintMap(canvas, shape, values, colour) {
  paintPixels(canvas, shape, (pixels) => {
    for (let i = 0; i < pixels.length; i++) pixels[i] = colour(values[i]);
  });
}

const GREY = 0.35; // what lies outside the mask keeps so much of its lightness; the rest is paper

/** The photo, faded to `paper` (a grey level) outside the mask, with its outline, and the true one's in dashes. */
export function paintMask(canvas, picture, mask, [rows, cols], { paper = 235, truth = null } = {}) {
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
