/* Graphs of a few named nodes, and their cuts. A graph is {nodes: [{name, x, y}], weights: {"ab": 8, ...}}, x from 0 to
   100, y from 0 to 60 downwards; it is never changed, each change gives another one. A side is a list of 1 and 0. */

import { sweepCuts } from "../cuts.js";
import { matrix } from "../linalg.js";
import { degrees } from "../spectral.js";

export const LETTERS = "abcdefghijkl";
export const FEWEST = 3;

const placed = (...places) => places.map(([x, y], i) => ({ name: LETTERS[i], x, y }));
const all = (names, weight) => {
  const pairs = [...names].flatMap((one, i) => [...names.slice(i + 1)].map((other) => one + other));
  return Object.fromEntries(pairs.map((pair) => [pair, weight]));
};
const chain = (names, weight) => Object.fromEntries([...names.slice(1)].map((name, i) => [names[i] + name, weight]));

/** The graphs to begin with: {title, graph, pair: the edge that is chosen}. */
export const GRAPHS = {
  six: {
    title: "the chapter’s six nodes",
    pair: "cd",
    graph: {
      nodes: placed([8, 15], [8, 45], [30, 30], [57, 30], [75, 18], [93, 30]),
      weights: { ab: 8, ac: 6, bc: 8, cd: 3, de: 8, ef: 2 },
    },
  },
  triangle: {
    title: "the triangle with w",
    pair: "ab",
    graph: { nodes: placed([22, 48], [78, 48], [50, 10]), weights: { ab: 3, ac: 1, bc: 1 } },
  },
  path: {
    title: "a path",
    pair: "de",
    graph: {
      nodes: placed([6, 38], [18, 22], [31, 38], [44, 22], [56, 38], [69, 22], [82, 38], [94, 22]),
      weights: chain("abcdefgh", 1),
    },
  },
  cliques: {
    title: "two cliques and a bridge",
    pair: "de",
    graph: {
      nodes: placed([8, 12], [8, 48], [24, 30], [40, 30], [60, 30], [76, 30], [92, 12], [92, 48]),
      weights: { ...all("abcd", 2), ...all("efgh", 2), de: 1 },
    },
  },
  ladder: {
    title: "a ladder with weak rungs",
    pair: "af",
    graph: {
      nodes: placed(...[12, 48].flatMap((y) => [8, 29, 50, 71, 92].map((x) => [x, y]))),
      weights: { ...chain("abcde", 4), ...chain("fghij", 4), af: 1, bg: 1, ch: 1, di: 1, ej: 1 },
    },
  },
};

/** The name of the edge between two nodes. */
export function edgeName(one, other) {
  return one < other ? one + other : other + one;
}

export function withWeight(graph, pair, weight) {
  const { [pair]: before, ...others } = graph.weights;
  return { ...graph, weights: weight > 0 ? { ...others, [pair]: weight } : others };
}

export function withNodeAt(graph, name, x, y) {
  return { ...graph, nodes: graph.nodes.map((node) => (node.name === name ? { name, x, y } : node)) };
}

/** With one more node at a place, joined to another by an edge of weight 1. */
export function withNode(graph, x, y, joined) {
  const name = [...LETTERS].find((letter) => !graph.nodes.some((node) => node.name === letter));
  const nodes = [...graph.nodes, { name, x, y }].sort((a, b) => (a.name < b.name ? -1 : 1));
  return { name, graph: { nodes, weights: { ...graph.weights, [edgeName(name, joined)]: 1 } } };
}

export function withoutNode(graph, name) {
  const kept = Object.entries(graph.weights).filter(([pair]) => !pair.includes(name));
  return { nodes: graph.nodes.filter((node) => node.name !== name), weights: Object.fromEntries(kept) };
}

/** W (n, n), in the order of the nodes. */
export function weightsOf({ nodes, weights }) {
  const W = matrix(nodes.length, nodes.length);
  const place = Object.fromEntries(nodes.map(({ name }, i) => [name, i]));
  for (const [[one, other], weight] of Object.entries(weights)) {
    W.data[place[one] * W.cols + place[other]] = W.data[place[other] * W.cols + place[one]] = weight;
  }
  return W;
}

/** The cheapest of all normalised cuts: {price, side}, the first node on side 0; of equal ones the first. There are
    2^(n - 1) - 1 of them, so the graph has to be small. A side of lonely nodes costs nothing. */
export function bestOfAll(W) {
  const n = W.rows, degree = degrees(W), every = degree.reduce((sum, x) => sum + x, 0);
  let best = { price: Infinity, side: [] };
  for (let which = 1; which < 2 ** (n - 1); which++) {
    const side = Array.from({ length: n }, (_, i) => (i === 0 ? 0 : (which >> (i - 1)) & 1));
    let volume = 0, cut = 0;
    for (let i = 0; i < n; i++) {
      if (!side[i]) continue;
      volume += degree[i];
      for (let j = 0; j < n; j++) if (!side[j]) cut += W.data[i * n + j];
    }
    const price = cut / Math.max(volume, 1e-300) + cut / Math.max(every - volume, 1e-300);
    if (price < best.price - 1e-12) best = { price, side };
  }
  return best;
}

/** The cheapest cut along a vector, {price, side}: below a threshold or not. Null where all entries are equal. */
export function bestAlong(y, W) {
  const ordered = Float64Array.from(y).sort(), close = 1e-9 * Math.max(...y.map(Math.abs));
  const cuts = sweepCuts(y, W).filter(({ below }) => ordered[below] - ordered[below - 1] > close); // no tie is cut
  if (!cuts.length) return null;
  const { price, at } = cuts.reduce((best, cut) => (cut.price < best.price - 1e-12 ? cut : best));
  const lower = y[0] <= at; // the side of the first node, as in `bestOfAll`
  return { price, side: Array.from(y, (value) => (value <= at === lower ? 0 : 1)) };
}

/** The two sides by their names: "abc | def". */
export function sidesInWords(side, nodes) {
  const names = (which) => nodes.filter((_, i) => side[i] === which).map(({ name }) => name).join("");
  return `${names(0)} | ${names(1)}`;
}
