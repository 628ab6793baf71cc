/* Chapter 4: every cut along the second eigenvector of a photo, its price, and the mask that it makes. */

import { paintMask } from "../canvas.js";
import { sweepCuts } from "../cuts.js";
import { figure, made, say } from "../elements.js";
import { upsample } from "../features.js";
import { matrix } from "../linalg.js";
import { curve } from "./chart.js";
import { button, canvasFor, liveLine, pictured, slider } from "./controls.js";
import { labEngine, labPhoto } from "./photo.js";

const CUT_PHOTO = "cat";

/** The lab; see start.js. */
export async function thresholdLab(id) {
  const photo = await labPhoto(CUT_PHOTO), { grid, shape } = photo, n = grid[0] * grid[1];
  const found = await labEngine().run(CUT_PHOTO, { head: "none", kappa: 0, readout: "fiedler", k: 2 });
  const values = found.eigenvectors.subarray(n, 2 * n), largest = Math.max(...values.map(Math.abs));
  const y = Float64Array.from(values, (value) => value / largest), lambda = found.eigenvalues[1];
  const sweep = sweepCuts(y, matrix(n, n, found.affinity));
  const low = sweep[0].at, high = sweep.at(-1).at;
  const best = sweep.reduce((a, b) => (b.price < a.price ? b : a));
  const top = Math.ceil(80 * best.price) / 10; // the cheap cuts are what one wants to tell apart

  const canvas = canvasFor("lab-photo"), chart = made("div"), said = liveLine();
  const step = 0.01, range = { min: Math.ceil(low / step) * step, max: Math.floor(high / step) * step, step };
  const moving = slider(`${id}-at`, "threshold t", { ...range, value: 0 }, (value) => figure(value), (t) => show(t));
  const jump = (words, t) => button(words, () => {
    moving.show(t);
    show(t);
  });

  function show(t) {
    const { price, below } = cutAt(sweep, y, t);
    const mask = upsample(y.map((value) => (value <= t ? 1 : 0)), grid, shape, "nearest");
    paintMask(canvas, photo.image, mask, shape);
    const shown = `The photo in colour where the entry is at most ${figure(t)}: ${below} of ${n} patches.`;
    canvas.setAttribute("aria-label", shown);
    const points = sweep.map((cut) => [cut.at, cut.price]);
    const drawing = curve(points, [low, high], top, { value: lambda, name: "λ₂" }, [t, price]);
    const line = `above the line of lambda 2 at ${figure(lambda, 3)}`;
    drawing.setAttribute("aria-label", `The normalised cut at each threshold, ${line}.`);
    chart.replaceChildren(drawing);
    say(said, `Threshold ${figure(t)}: ${below} patches in colour, ${n - below} in grey. ` +
      `Ncut ${figure(price, 3)}; ` +
      `λ₂ = ${figure(lambda, 3)}, and no cut is cheaper. ` +
      `The cheapest along the vector costs ${figure(best.price, 3)}.`);
  }

  show(0);
  const lab = made("div", { "aria-label": "Lab: the threshold" });
  lab.append(
    made("div", { className: "lab-strip lab-two" },
      pictured("in colour: entries below t", canvas),
      pictured(`Ncut at each threshold, up to ${figure(top, 1)}`, chart)),
    moving.element,
    made("div", { className: "lab-buttons" }, jump("Cut at 0", 0), jump("Cheapest cut", best.at)),
    said,
  );
  return lab;
}

/** The cut that a threshold between the least and the largest entry makes. */
function cutAt(sweep, y, t) {
  return sweep[y.reduce((below, value) => below + (value <= t ? 1 : 0), 0) - 1];
}
