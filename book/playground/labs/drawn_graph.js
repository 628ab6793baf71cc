/* A small graph as a drawing that listens: nodes are chosen, moved and removed by pointer or keyboard. */

import { signedCss } from "../colours.js";
import { figure } from "../elements.js";
import { drawn } from "./controls.js";
import { edgeName } from "./small_graph.js";

const WIDTH_100 = 100; // in units of the drawing
const HEIGHT_60 = 60;
const RADIUS = 4.6;
const STRIDE = 2; // of a node that an arrow key moves
const ARROWS = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };

/** {element, show(graph, seen), focus(name)}. `hear` has choose(name), move(name, x, y), remove(name), add(x, y).
    seen: {pair: the two chosen names, values: by node, in [-1, 1], side: by node or null, words}. */
export function graphDrawing(hear) {
  const lines = drawn("g", { "aria-hidden": "true" }), dots = drawn("g"), elements = new Map();
  const paper = drawn("rect", { width: WIDTH_100, height: HEIGHT_60, class: "lab-paper" });
  const svg = drawn("svg", { viewBox: `0 0 ${WIDTH_100} ${HEIGHT_60}`, role: "group", class: "lab-graph" });
  svg.append(paper, lines, dots);
  let nodes = [];

  /** Where the pointer is, in units of the drawing, and so that a node there is whole. */
  function placeOf(event) {
    const { x, y } = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
    return inside(x, y);
  }

  paper.addEventListener("click", (event) => hear.add(...placeOf(event)));

  function makeDot(name) {
    const circle = drawn("circle", { r: RADIUS });
    const text = drawn("text", { dy: "0.33em", "text-anchor": "middle" }, name);
    const dot = drawn("g", { role: "button", tabindex: 0, class: "lab-node" }, circle, text);
    const at = () => nodes.find((node) => node.name === name);
    let held = null;
    dot.addEventListener("pointerdown", (event) => {
      held = { x: event.clientX, y: event.clientY, moved: false };
      dot.setPointerCapture(event.pointerId);
    });
    dot.addEventListener("pointermove", (event) => {
      if (!held) return;
      held.moved ||= Math.hypot(event.clientX - held.x, event.clientY - held.y) > 4;
      if (held.moved) hear.move(name, ...placeOf(event));
    });
    dot.addEventListener("pointerup", () => {
      if (held && !held.moved) hear.choose(name);
      held = null;
    });
    dot.addEventListener("pointercancel", () => (held = null));
    dot.addEventListener("keydown", (event) => {
      if (event.altKey || event.metaKey || event.ctrlKey) return;
      const step = ARROWS[event.key], { x, y } = at();
      if (step) hear.move(name, ...inside(x + STRIDE * step[0], y + STRIDE * step[1]));
      else if (event.key === "Enter" || event.key === " ") hear.choose(name);
      else if (event.key === "Delete" || event.key === "Backspace") hear.remove(name);
      else return;
      event.preventDefault();
    });
    elements.set(name, dot);
    return dot;
  }

  function show(graph, { pair, values, side, words }) {
    nodes = graph.nodes;
    svg.setAttribute("aria-label", words);
    for (const [name, dot] of elements) {
      if (nodes.some((node) => node.name === name)) continue;
      dot.remove();
      elements.delete(name);
    }
    nodes.forEach(({ name, x, y }, i) => {
      const dot = elements.get(name) || makeDot(name), chosen = pair.includes(name);
      if (dots.children[i] !== dot) dots.insertBefore(dot, dots.children[i] || null); // a moved one loses its focus
      dot.setAttribute("transform", `translate(${x} ${y})`);
      dot.setAttribute("aria-pressed", chosen);
      dot.setAttribute("aria-label", `node ${name}, entry ${figure(values[i])} of the largest`);
      dot.style.setProperty("--fill", signedCss(values[i], 1));
      dot.classList.toggle("lab-pale", Math.abs(values[i]) < 0.6);
    });
    lines.replaceChildren(...linesOf(graph, pair, side));
  }

  return { element: svg, show, focus: (name) => elements.get(name)?.focus() };
}

function inside(x, y) {
  const within = (value, most) => Math.max(RADIUS + 1, Math.min(most - RADIUS - 1, value));
  return [within(x, WIDTH_100), within(y, HEIGHT_60)];
}

/** Each edge as a line, as wide as it is heavy, dashed where the cut severs it, with its weight beside it. */
function linesOf({ nodes, weights }, pair, side) {
  const place = Object.fromEntries(nodes.map((node, i) => [node.name, { ...node, i }]));
  return Object.entries(weights).flatMap(([edge, weight]) => {
    const [a, b] = [...edge].map((name) => place[name]);
    const severed = side && side[a.i] !== side[b.i], chosen = edge === edgeName(...pair);
    const line = drawn("line", { x1: a.x, y1: a.y, x2: b.x, y2: b.y, class: severed ? "lab-severed" : "lab-edge" });
    line.style.strokeWidth = 0.4 + 0.22 * weight;
    const where = { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2, dy: "0.33em", "text-anchor": "middle" };
    return [line, drawn("text", { ...where, class: chosen ? "lab-weight lab-picked" : "lab-weight" }, String(weight))];
  });
}
