/* Chapter 2: the head trains before the reader's eyes, on a small grid, with the stop-gradient or without it. */

import { paintMap } from "../canvas.js";
import { figure, made, say } from "../elements.js";
import { applyHead, initHead, trainHead } from "../head.js";
import { addScaled, dot, gram, matrix, rowOf, unitRows } from "../linalg.js";
import { Generator } from "../random.js";
import { largestPairs } from "../solvers.js";
import { binned, histogram } from "./chart.js";
import { button, canvasFor, liveLine, pictured, slider, tick } from "./controls.js";
import { labEngine, labPhoto } from "./photo.js";

const TRAINED_ON = "cat";
const LONGEST = 60; // epochs
const LONG = { epochs: LONGEST, lr: 0.3, batch: 32, seed: 0 }; // the chapter's long schedule
const LOWEST = -0.3; // the histogram's left end, as in the chapter

/** The lab; see start.js. */
export async function trainingLab(id) {
  const photo = await labPhoto(TRAINED_ON);
  const { tokens, grid } = halved(await labEngine().tokens(TRAINED_ON), photo.grid);
  const runs = new Map([true, false].map((stop) => [stop, startRun(tokens, grid, stop)]));
  const colours = canvasFor("lab-grid"), chart = made("div"), said = liveLine();
  const now = { stop: true, epoch: 0, training: false };
  const words = (epoch) => `${epoch} of ${LONGEST}`;
  const range = { min: 0, max: LONGEST, step: 1, value: 0 };
  const epoch = slider(`${id}-epoch`, "epoch", range, words, (value) => reach({ epoch: value }));
  const stop = tick(`${id}-stop`, "stop-gradient", true, (value) => reach({ stop: value }));
  const more = (label, count) => button(label, () => reach({ epoch: Math.min(LONGEST, now.epoch + count) }));

  /** Train as far as the reader asks, an epoch at a time, so that the page stays awake. */
  async function reach(changes) {
    Object.assign(now, changes);
    epoch.show(now.epoch);
    if (now.training) return;
    now.training = true;
    try {
      for (;;) {
        const run = runs.get(now.stop), at = Math.min(now.epoch, run.states.length - 1);
        show(run.states[at], at);
        if (at === now.epoch) break;
        await new Promise((later) => setTimeout(later));
        run.train();
      }
    } finally {
      now.training = false;
    }
  }

  function show({ cosines, spread, points }, at) {
    const span = runs.get(now.stop).span; // of epoch 0: colours that fade mean tokens that grow alike
    paintMap(colours, grid, points, (point) => colourOf(point, span));
    const told = `the spread of their cosines is ${figure(spread)}.`;
    colours.setAttribute("aria-label", `The tokens of G as colours after ${at} epochs; ${told}`);
    const drawing = histogram(binned(cosines, LOWEST, 1, 52), [LOWEST, 1]);
    drawing.setAttribute("aria-label", `Histogram of the cosines of all pairs of tokens; ${told}`);
    chart.replaceChildren(drawing);
    // while it trains only the slider moves: a reader of the screen hears the end
    if (at < now.epoch) return;
    const which = now.stop ? "With the stop-gradient" : "Without the stop-gradient";
    say(said, `${which}, after ${at} epochs: the spread of the cosines is ${figure(spread, 3)}` +
      (at ? `, the loss ${figure(runs.get(now.stop).losses[at - 1])}.` : "; the head is untrained."));
  }

  await reach({});
  const lab = made("div", { "aria-label": "Lab: training with and without the stop-gradient" });
  lab.append(
    made("div", { className: "lab-strip lab-two" },
      pictured("tokens of G as colours", colours), pictured("cosines of all pairs", chart)),
    made("div", { className: "lab-controls" }, epoch.element, stop.element),
    made("div", { className: "lab-buttons" }, more("One more epoch", 1), more("Ten more", 10)),
    said,
  );
  return lab;
}

/** One training and what it has been through: {states: one an epoch, the untrained one first, losses, span, train}. */
function startRun(tokens, grid, stopGradient) {
  const x = unitRows(tokens), settings = { ...LONG, stop_gradient: stopGradient };
  const states = [stateOf(applyHead(initHead(x.cols, settings, new Generator(LONG.seed)), x), null)];
  const losses = [], steps = trainHead(tokens, grid, settings);
  const span = Math.max(...states[0].points.flat().map(Math.abs));
  const train = () => {
    const { loss, head } = steps.next().value;
    losses.push(loss);
    states.push(stateOf(applyHead(head, x), states.at(-1)));
  };
  return { states, losses, span, train };
}

/** Of tokens G: the cosines of all pairs, their spread, and each token's place along three principal components,
 * whose signs are those of the state before. */
function stateOf(G, before) {
  const unit = unitRows(G), S = gram(unit), n = unit.rows, cosines = [];
  for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) cosines.push(S.data[i * n + j]);
  const mean = cosines.reduce((sum, c) => sum + c, 0) / cosines.length;
  const spread = Math.sqrt(cosines.reduce((sum, c) => sum + (c - mean) ** 2, 0) / cosines.length);
  return { cosines, spread, points: components(unit, before && before.points) };
}

function components(x, before) {
  const n = x.rows, centre = new Float64Array(x.cols), centred = matrix(n, x.cols, x.data.slice());
  for (let i = 0; i < n; i++) addScaled(centre, rowOf(x, i), 1 / n);
  for (let i = 0; i < n; i++) addScaled(rowOf(centred, i), centre, -1);
  const { values, vectors } = largestPairs(gram(centred), 3);
  const axes = [0, 1, 2].map((k) => {
    const axis = vectors[k].map((v) => v * Math.sqrt(Math.max(0, values[k])));
    const turned = before && dot(axis, Float64Array.from(before, (point) => point[k])) < 0;
    return turned ? axis.map((v) => -v) : axis;
  });
  return Array.from({ length: n }, (_, i) => axes.map((axis) => axis[i]));
}

/** A place in three dimensions as a colour, grey at zero; see colours.js for its form. */
function colourOf(point, span) {
  const [r, g, b] = point.map((v) => Math.max(0, Math.min(255, Math.round(127.5 + (127.5 * v) / span))));
  return ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;
}

/** Each square of four tokens as their mean: a quarter of the tokens, so that an epoch is short. */
function halved(tokens, grid) {
  const [h, w] = grid.map((side) => Math.floor(side / 2)), half = matrix(h * w, tokens.cols);
  for (let i = 0; i < h * w; i++) {
    const corner = 2 * Math.floor(i / w) * grid[1] + 2 * (i % w);
    for (const j of [corner, corner + 1, corner + grid[1], corner + grid[1] + 1]) {
      addScaled(rowOf(half, i), rowOf(tokens, j), 0.25);
    }
  }
  return { tokens: half, grid: [h, w] };
}
