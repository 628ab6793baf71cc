/* A picture of patches that listens: a canvas (or photo) under two marks, one for the chosen patch, one for the
   patch under the pointer. The marks' places are CSS variables, so moving them repaints nothing. */

import { made } from "../elements.js";

/** Put `picture` and its marks into `box`. */
export function makeMap(box, picture = made("canvas", { role: "img" })) {
  const marks = ["pg-chosen", "pg-pointed"].map((kind) => made("span", { className: `pg-mark ${kind}` }));
  marks.forEach((mark) => mark.setAttribute("aria-hidden", "true"));
  box.append(picture, ...marks);
  return picture;
}

/** Tell of the patch under the mouse (null where it leaves) and of one that is clicked or tapped;
    `patchAt(x, y)` gives the patch at a place of the box, both in [0, 1). */
export function listen(box, patchAt, { point, choose }) {
  const at = (event) => {
    const area = box.getBoundingClientRect();
    const part = (place, size) => Math.max(0, Math.min(0.9999, place / size));
    return patchAt(part(event.clientX - area.left, area.width), part(event.clientY - area.top, area.height));
  };
  box.addEventListener("pointermove", (event) => event.pointerType === "mouse" && point(at(event)));
  box.addEventListener("pointerleave", () => point(null));
  box.addEventListener("click", (event) => choose(at(event)));
}

/** The patches in the order of one eigenvector's entries, and the place of each in it. */
export function sortedPatches(y) {
  const order = Uint32Array.from(y.keys()).sort((a, b) => y[a] - y[b]);
  const rank = new Uint32Array(order.length);
  order.forEach((patch, place) => (rank[patch] = place));
  return { order, rank };
}

/** Two eigenvectors as points in a square, [x, y] in [0, 1] each, with a little room at the edge. */
export function squarePoints(a, b) {
  const within = (values) => {
    const low = Math.min(...values), span = Math.max(...values) - low || 1;
    return (value) => 0.04 + (0.92 * (value - low)) / span;
  };
  const [x, y] = [within(a), within(b)];
  return Array.from(a, (value, i) => [x(value), y(b[i])]);
}

/** The number of the point that is nearest to a place. */
export function nearestPoint(points, x, y) {
  let best = 0, least = Infinity;
  points.forEach(([px, py], i) => {
    const distance = (px - x) ** 2 + (py - y) ** 2;
    if (distance < least) [best, least] = [i, distance];
  });
  return best;
}

/** The value that a share `q` of W's entries off the diagonal stay below: the top of its colour scale. */
export function highWeight(W, n, q = 0.99) {
  const some = [];
  for (let i = 1; i < n * n; i += 7) if (i % (n + 1)) some.push(W[i]); // every seventh is enough
  some.sort((a, b) => a - b);
  return some[Math.floor(q * (some.length - 1))] || 1;
}
