/* Chapter 3: what offset and kappa do to the edges of one patch. */

import { combine } from "../affinity.js";
import { paintMap } from "../canvas.js";
import { plainColour } from "../colours.js";
import { figure, made, say } from "../elements.js";
import { matrix } from "../linalg.js";
import { binned, histogram } from "./chart.js";
import { canvasFor, liveLine, percent, pictured, slider } from "./controls.js";
import { patchGrid } from "./grid.js";
import { labEngine, labPhoto } from "./photo.js";

const CAT = "cat";
const BINS = 64;

/** The lab; see start.js. */
export async function affinityLab(id) {
  const photo = await labPhoto(CAT), { grid } = photo, n = grid[0] * grid[1];
  const asked = { head: "closed_form", offset: "none", kappa: 1, k: 2, readout: "fiedler" };
  const { vanilla, semantic } = await labEngine().run(CAT, asked, { graphs: true });
  const S = matrix(n, n, vanilla), W_SA = matrix(n, n, semantic); // no offset: vanilla is S itself
  const [low, high] = limits(S.data), bins = binned(S.data, low, high, BINS);
  const mean = S.data.reduce((sum, value) => sum + value, 0) / S.data.length;
  const now = { offset: Number(mean.toFixed(2)), kappa: 0, patch: grid.map((side) => Math.floor(side / 2)) };

  const row = canvasFor("lab-grid"), chart = made("div"), said = liveLine();
  const cells = patchGrid(`${id}-patch`, photo.image, grid, (patch) => update({ patch }));
  const range = { min: Math.ceil(low * 50) / 50, max: 0.9, step: 0.02 };
  const words = (value) => figure(value);
  const moveOffset = (value) => update({ offset: value }), moveKappa = (value) => update({ kappa: value });
  const offset = slider(`${id}-offset`, "offset c", { ...range, value: now.offset }, words, moveOffset);
  const kappa = slider(`${id}-kappa`, "κ", { min: 0, max: 2, step: 0.05, value: 0 }, words, moveKappa);
  now.offset = Number(offset.input.value);

  function update(changes) {
    Object.assign(now, changes);
    const W_A = matrix(n, n, S.data.map((value) => value - now.offset));
    const W = combine(W_A, W_SA, now.kappa), [y, x] = now.patch, i = y * grid[1] + x;
    cells.show(now.patch);
    const edges = W.data.subarray(i * n, (i + 1) * n);
    const joined = edges.reduce((count, weight, j) => count + (j !== i && weight > 0 ? 1 : 0), 0);
    paintMap(row, grid, edges, (weight) => plainColour(weight, 1));
    row.setAttribute("aria-label", `The row of W of this patch on the grid: ${joined} patches are joined to it.`);
    const marks = [{ value: now.offset, name: "c" }];
    if (Math.abs(mean - now.offset) > 0.05) marks.push({ value: mean, name: "mean", kind: "lab-level" });
    const drawing = histogram(bins, [low, high], marks);
    const ends = `from ${figure(low)} to ${figure(high)}`;
    drawing.setAttribute("aria-label", `Histogram of all cosines, ${ends}; c is ${figure(now.offset)}.`);
    chart.replaceChildren(drawing);
    const kept = W.data.reduce((count, weight) => count + (weight > 0 ? 1 : 0), -n) / (n * (n - 1));
    say(said, `Patch in row ${y + 1}, column ${x + 1}: joined to ${joined} of ${n - 1} others. ` +
      `Of all pairs, ${percent(kept)} have an edge. ${partsInWords(countParts(W))}`);
  }

  update({});
  const lab = made("div", { "aria-label": "Lab: offset and kappa" });
  lab.append(
    made("div", { className: "lab-strip" },
      pictured("choose a patch", cells.element),
      pictured("its row of W", row),
      pictured("histogram of S", chart)),
    made("div", { className: "lab-controls" }, offset.element, kappa.element),
    said,
  );
  return lab;
}

function limits(numbers) {
  let low = Infinity, high = -Infinity;
  for (const number of numbers) {
    if (number < low) low = number;
    if (number > high) high = number;
  }
  return [low, high];
}

/** How many parts the graph of the positive weights has. */
function countParts(W) {
  const n = W.rows, seen = new Uint8Array(n);
  let parts = 0;
  for (let first = 0; first < n; first++) {
    if (seen[first]) continue;
    parts += 1;
    const open = [first];
    seen[first] = 1;
    while (open.length) {
      const i = open.pop();
      for (let j = 0; j < n; j++) {
        if (seen[j] || !(W.data[i * n + j] > 0)) continue;
        seen[j] = 1;
        open.push(j);
      }
    }
  }
  return parts;
}

function partsInWords(parts) {
  return parts === 1 ? "The graph is in one piece." : `The graph is in ${parts} pieces.`;
}
