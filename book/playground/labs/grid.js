/* A photo whose patches can be chosen: by a click, or by the arrow keys once it has the focus. */

import { made } from "../elements.js";

const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

/** {element, show(patch)}: the image with a frame around a patch [row, column]; `choose(patch)` hears of each step.
 * For a screen reader it is a grid of which only the chosen cell is there. */
export function patchGrid(id, image, [rows, columns], choose) {
  const cell = made("span", { role: "gridcell", id: `${id}-cell`, "aria-selected": "true" });
  const row = made("span", { role: "row" }, cell);
  const over = made("div", { role: "grid", className: "lab-cells", tabIndex: 0, id }, row);
  over.setAttribute("aria-label", "Patch: choose one with the arrow keys");
  over.setAttribute("aria-rowcount", rows);
  over.setAttribute("aria-colcount", columns);
  over.setAttribute("aria-activedescendant", cell.id);
  let at = [0, 0];

  over.addEventListener("keydown", (event) => {
    const step = STEPS[event.key];
    if (!step || event.altKey || event.metaKey || event.ctrlKey) return;
    event.preventDefault();
    choose([0, 1].map((i) => Math.min([rows, columns][i] - 1, Math.max(0, at[i] + step[i]))));
  });
  over.addEventListener("click", (event) => {
    const area = over.getBoundingClientRect();
    const part = (place, size, count) => Math.min(count - 1, Math.max(0, Math.floor((place / size) * count)));
    choose([
      part(event.clientY - area.top, area.height, rows),
      part(event.clientX - area.left, area.width, columns),
    ]);
  });

  function show(patch) {
    at = patch;
    row.setAttribute("aria-rowindex", at[0] + 1);
    cell.setAttribute("aria-colindex", at[1] + 1);
    cell.setAttribute("aria-label", `row ${at[0] + 1}, column ${at[1] + 1}`);
    const share = (i, count) => `${(100 * i) / count}%`;
    Object.assign(cell.style, {
      top: share(at[0], rows),
      left: share(at[1], columns),
      height: share(1, rows),
      width: share(1, columns),
    });
  }

  return { element: made("div", { className: "lab-patches" }, image, over), show };
}
