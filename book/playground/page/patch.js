/* The chosen patch: the photo as a grid of cells that arrow keys walk through, and words for what is seen there. */

import { figure, made } from "../elements.js";

/** Make `element` (over the photo) a grid; `choose([row, column])` hears of each step.
    Returns {show(grid, patch, label)}. */
export function makePatchGrid(element, choose) {
  // of some hundreds of cells only the chosen one is in the page: ARIA has row and column numbers for that
  const cell = made("span", { role: "gridcell", "aria-selected": "true" });
  const row = made("div", { role: "row" }, cell);
  element.setAttribute("role", "grid");
  element.tabIndex = 0;
  element.append(row);
  let grid = [1, 1], at = [0, 0];
  element.addEventListener("keydown", (event) => {
    const to = steppedPatch(event, at, grid);
    if (!to) return;
    event.preventDefault();
    choose(to);
  });
  return {
    show(newGrid, patch, label) {
      [grid, at] = [newGrid, patch];
      element.setAttribute("aria-rowcount", grid[0]);
      element.setAttribute("aria-colcount", grid[1]);
      row.setAttribute("aria-rowindex", at[0] + 1);
      cell.setAttribute("aria-colindex", at[1] + 1);
      cell.setAttribute("aria-label", label);
      cell.id = `pg-cell-${at[0]}-${at[1]}`; // a new name: the grid's active cell has changed
      element.setAttribute("aria-activedescendant", cell.id);
    },
  };
}

/** Where a key leads from a patch, or null; the keys are those of any grid. */
function steppedPatch(event, [row, column], [rows, columns]) {
  const [bottom, right] = [rows - 1, columns - 1];
  const within = (y, x) => [Math.max(0, Math.min(bottom, y)), Math.max(0, Math.min(right, x))];
  if (event.altKey || event.metaKey) return null;
  switch (event.key) {
    case "ArrowUp": return within(row - 1, column);
    case "ArrowDown": return within(row + 1, column);
    case "ArrowLeft": return within(row, column - 1);
    case "ArrowRight": return within(row, column + 1);
    case "PageUp": return within(row - 5, column);
    case "PageDown": return within(row + 5, column);
    case "Home": return event.ctrlKey ? [0, 0] : [row, 0];
    case "End": return event.ctrlKey ? [bottom, right] : [row, right];
    default: return null;
  }
}

/** How strongly patch i is joined, on average, to the other patches of the object and to the rest. */
export function meanWeights(W, score, i) {
  const n = score.length, sum = [0, 0], count = [0, 0];
  for (let j = 0; j < n; j++) {
    if (j === i) continue;
    const side = score[j] > 0 ? 0 : 1;
    sum[side] += W[i * n + j];
    count[side] += 1;
  }
  return sum.map((total, side) => (count[side] ? total / count[side] : NaN));
}

export function patchName(i, columns) {
  return `row ${Math.floor(i / columns)}, column ${i % columns}`;
}

/** Sentences about patch i: its side, its similarity to both sides, its place in the second eigenvector. */
export function patchWords(result, i) {
  const n = result.score.length, [object, rest] = meanWeights(result.affinity, result.score, i);
  const side = result.score[i] > 0 ? "on the object’s side" : "on the other side";
  return (
    `Patch in ${patchName(i, result.grid[1])}: ${side}. Its mean similarity (weight in W) is ${figure(object, 3)} ` +
    `to the object and ${figure(rest, 3)} to the rest. y₂ = ${figure(result.eigenvectors[n + i], 4)}, ` +
    `score ${figure(result.score[i])}.`
  );
}
