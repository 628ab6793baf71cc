/* Chapter 4: a graph of a few nodes that the reader draws, its eigenvectors, and its cuts. */

import { figure, made, say } from "../elements.js";
import { rowOf } from "../linalg.js";
import { StateHistory } from "../past.js";
import { inParts } from "../solvers.js";
import { eigenpairs } from "../spectral.js";
import { button, choice, liveLine, pictured, slider } from "./controls.js";
import { graphDrawing } from "./drawn_graph.js";
import { FEWEST, GRAPHS, LETTERS, bestAlong, bestOfAll, edgeName, sidesInWords } from "./small_graph.js";
import { weightsOf, withNode, withNodeAt, withWeight, withoutNode } from "./small_graph.js";

const HEAVIEST = 10;
const CUTS = [["along", "the best along the vector"], ["all", "the best of all"], ["none", "none"]];

const HOW = "Press two nodes to set the edge between them, drag one to move it, press the paper for a new one. " +
  "Keys: Enter chooses a node, arrows move it, Delete removes it.";
const IN_PIECES = " The graph is in pieces: a cut between them costs nothing.";
const EQUAL = 1e-6; // eigenvalues closer than this are told to be one

/** The lab; see start.js. */
export function cutLab(id) {
  const past = new StateHistory(opened("six"));
  const shown = { vector: 2, cut: "along" };
  const said = liveLine(), values = made("p", { className: "lab-drawn" });
  const drawing = graphDrawing({ choose, move, add, remove });
  const graphs = Object.entries(GRAPHS).map(([name, { title }]) => [name, title]);
  const start = choice(`${id}-graph`, "graph", graphs, "six", (name) => go(opened(name)));
  const vector = choice(`${id}-vector`, "colours", [], "", (k) => look({ vector: Number(k) }));
  const cut = choice(`${id}-cut`, "dashed: the edges of", CUTS, "along", (which) => look({ cut: which }));
  const ends = [0, 1].map((i) => choice(`${id}-end-${i}`, i ? "to" : "edge from", [], "", (name) => end(i, name)));
  const range = { min: 0, max: HEAVIEST, step: 0.25, value: 0 };
  const inWords = (weight) => (weight > 0 ? String(weight) : "no edge");
  const weight = slider(`${id}-weight`, "weight", range, inWords, (heavy) => {
    const { graph, pair } = past.state, edge = edgeName(...pair);
    go({ ...past.state, graph: withWeight(graph, edge, heavy) }, `weight ${edge}`);
  });
  const more = button("Add a node", () => add(...freePlace(past.state.graph.nodes)));
  const fewer = button("Remove", () => remove(past.state.pair[1]));
  const undo = button("Undo", () => past.move(-1) && update());
  const again = button("Reset", () => go(opened(past.state.from)));

  function go(state, name = "") {
    past.push(state, name);
    update();
  }

  function look(changes) {
    Object.assign(shown, changes);
    update();
  }

  /** The nodes chosen last are the ends of the edge whose weight can be set; which they are is no step of undo. */
  function choose(name) {
    const { pair } = past.state;
    if (name !== pair[1]) past.amend({ ...past.state, pair: [pair[1], name] });
    update();
  }

  function end(i, name) {
    const { pair } = past.state, other = pair[1 - i] === name ? pair[i] : pair[1 - i];
    past.amend({ ...past.state, pair: i ? [other, name] : [name, other] });
    update();
  }

  function move(name, x, y) {
    go({ ...past.state, graph: withNodeAt(past.state.graph, name, x, y) }, `move ${name}`);
  }

  function add(x, y) {
    const { graph, pair } = past.state;
    if (graph.nodes.length === LETTERS.length) return;
    const found = withNode(graph, x, y, pair[1]);
    go({ ...past.state, graph: found.graph, pair: [pair[1], found.name] });
  }

  function remove(name) {
    const { nodes } = past.state.graph;
    if (nodes.length === FEWEST) return;
    const graph = withoutNode(past.state.graph, name), [first, second] = graph.nodes.map((node) => node.name);
    const other = past.state.pair.find((one) => one !== name);
    const focused = drawing.element.contains(document.activeElement);
    go({ ...past.state, graph, pair: [other === first ? second : first, other] });
    if (focused) drawing.focus(other);
  }

  function update() {
    const { graph, pair, from } = past.state, { nodes } = graph, n = nodes.length;
    const W = weightsOf(graph), found = eigenpairs(W, n);
    shown.vector = Math.min(shown.vector, n);
    const y = rowOf(found.vectors, shown.vector - 1), largest = Math.max(...y.map(Math.abs)) || 1;
    const cuts = { along: bestAlong(y, W), all: bestOfAll(W), none: null };
    const side = cuts[shown.cut]?.side ?? null, dashed = side ? ` Dashed: ${sidesInWords(side, nodes)}.` : "";
    drawing.show(graph, { pair, values: y.map((value) => value / largest), side,
      words: `A graph of ${n} nodes, coloured by eigenvector ${shown.vector}.${dashed}` });
    say(said, inSentences(found.values, cuts, shown.vector, nodes) + (inParts(W) ? IN_PIECES : ""));
    values.replaceChildren("Eigenvalues: ", ...listed(found.values, shown.vector));
    start.input.value = from;
    refill(vector.input, nodes.map((_, i) => [i + 1, `eigenvector ${i + 1}`]), shown.vector);
    ends.forEach(({ input }, i) => refill(input, nodes.map(({ name }) => [name, name]), pair[i]));
    weight.show(graph.weights[edgeName(...pair)] ?? 0);
    more.disabled = n === LETTERS.length;
    fewer.disabled = n === FEWEST;
    say(fewer, `Remove ${pair[1]}`);
    undo.disabled = !past.has(-1);
  }

  const lab = made("div", { "aria-label": "Lab: cut a graph of your own" });
  lab.append(
    made("div", { className: "lab-strip lab-two" },
      pictured(HOW, drawing.element),
      made("div", { className: "lab-column" }, start.element, vector.element, cut.element,
        made("div", { className: "lab-ends" }, ...ends.map(({ element }) => element)), weight.element,
        made("div", { className: "lab-buttons" }, more, fewer, undo, again))),
    values,
    said,
  );
  lab.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "z") return;
    event.preventDefault();
    if (past.move(event.shiftKey ? 1 : -1)) update();
  });
  update();
  return lab;
}

function opened(from) {
  const { graph, pair } = GRAPHS[from];
  return { from, graph, pair: [...pair] };
}

/** A list's options, made anew only where they are others. */
function refill(input, options, value) {
  const now = Array.from(input.options, (option) => option.value).join();
  if (now !== options.map(([of]) => of).join()) {
    input.replaceChildren(...options.map(([of, words]) => made("option", { value: of }, words)));
  }
  input.value = value;
}

function listed(values, chosen) {
  const words = Array.from(values, (value, i) => made(i + 1 === chosen ? "b" : "span", {}, figure(value)));
  return words.flatMap((word, i) => (i ? [", ", word] : [word]));
}

function inSentences(values, { along, all }, vector, nodes) {
  const told = ({ price, side }) => `${sidesInWords(side, nodes)} with Ncut ${figure(price, 3)}`;
  const count = `all ${2 ** (nodes.length - 1) - 1} cuts`, of = values[vector - 1];
  const ties = values.filter((value) => Math.abs(value - of) < EQUAL).length > 1;
  const many = ties ? " Its eigenvalue comes more than once, so it is one vector of many." : "";
  const begin = `λ₂ = ${figure(values[1], 3)}. `;
  const best = `the best of ${count} is ${told(all)}.`;
  if (!along) return `${begin}Eigenvector ${vector} is constant, so no threshold cuts it; ${best}`;
  const other = all.price < along.price - EQUAL ? best : `of ${count} none is cheaper.`;
  return `${begin}The best cut along eigenvector ${vector} is ${told(along)}; ${other}${many}`;
}

/** The place that is farthest from all nodes. */
function freePlace(nodes) {
  const places = [12, 24, 36, 48].flatMap((y) => [10, 20, 30, 40, 50, 60, 70, 80, 90].map((x) => [x, y]));
  const room = ([x, y]) => Math.min(...nodes.map((node) => Math.hypot(node.x - x, node.y - y)));
  return places.reduce((best, place) => (room(place) > room(best) ? place : best));
}
