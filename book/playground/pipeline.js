// All stages after the backbone, from settings to a mask. Twin: simsam/pipeline/stages.py, `run_stages`.
//
//   const pipeline = createPipeline();                   // remembers what it computed, see `remembered`
//   const result = pipeline.run(photo, settings);        // at once, on this thread
//   for (const step of pipeline.steps(photo, settings))  // or step by step: one {stage: "head", epoch, loss}
//     ...                                                // after each epoch of SGD; returns the result
//
// A photo (`features.js` decodes prepared ones): {grid: [h, w], shape: [H, W], truth: Uint8Array H*W | null,
// tokens: {output: Matrix, keys: Matrix | null}, attention: Float32Array n | null}; n = h * w tokens.
// A Matrix (`linalg.js`) is {rows, cols, data}, data a typed array in row-major order.
//
// Settings carry the names of the fields of `Recipe`; what is left out is as in the recipe `simsam`:
//   tokens           "output" | "keys"
//   head             "none" | "untrained" | "closed_form" | "sgd"
//     pairs, ridge                             closed_form: pairs of views; the ridge
//     epochs, batch, lr, stop_gradient         sgd: passes, tokens a step or null, step width, true | false
//     projector, predictor                     sgd, untrained: number of layers
//     projector_nonlinear, predictor_nonlinear with an ELU or not
//     view_scale, view_degrees, view_shear, view_shift    how far a view may move
//   graph            "similarity" | "binary" | "cosine" (the last two: TokenCut's, with `tau`)
//   offset           "none" | "mean" | "max/3" | "quantile:q"
//   kappa            0 or more: the weight of W_SA
//   semantic_unit    true | false: rows of G to unit length
//   semantic_offset  as offset
//   semantic         "learned" | "constant"
//   floor            0 to 1, added to every weight
//   laplacian        "normalized" | "unnormalized" | "affinity"
//   k                2 or more: eigenvectors, the constant one among them; a vote needs max(clusters)
//   readout          "fiedler" | "vote"
//   cluster_on       "eigenvectors" | "tokens"
//   clusters         vote: numbers of clusters, as in [3, 4, 5, 6]
//   border_ratio     vote: a cluster with a smaller share of the border is foreground
//   threshold        fiedler: "zero" | "mean" | "otsu" | "ncut" | "two_means"
//   sign             fiedler: "border" | "minority" | "attention" | "peak"
//   component        fiedler: true | false, only the part that holds the peak
//   centroid         steps in feature space after the readout: 0, 1, ...
//   margin           -1 to 1: the score is cut at this many times its mean magnitude
//   upsample         "bilinear" | "nearest"
//   seed             of the head and of K-means
// Not here (`refine`, `min_part`, colour, MaskCut, `size`, `block`): PRESETS[name].deviates says so.
// An unknown name or value throws an Error of one sentence that a page can show as it is.
//
// The result:
//   grid [h, w], shape [H, W]
//   affinity       Float32Array n*n: W, in [floor, 1 + floor]
//   vanilla        Float32Array n*n: W_A before kappa and the clipping at 0; null without `graphs` (see worker.js)
//   semantic       Float32Array n*n: W_SA, not yet times kappa; null without a head or without `graphs`
//   eigenvalues    Float32Array k, ascending ("affinity": descending)
//   eigenvectors   Float32Array k*n: row i is eigenvector i, signs as `canonical` in Python
//   headTokens     Float32Array n*d: G; null where no head takes part
//   losses         Float32Array: one an epoch ("sgd"), one ("closed_form"), none ("untrained"); null without head
//   cut            number | null: fiedler, where the eigenvector was cut (in units of the eigenvector as given)
//   score          Float32Array n: positive on the object
//   votes          null | [{clusters: k, labels: Uint8Array n, ratio: Float32Array k, chosen: [bool, ...]}, ...]
//   mask           Uint8Array H*W: 1 on the object
//   iou            0 to 1, or null where there is no truth
//   notes          sentences about the result, such as that the threshold `tau` links every pair
//   milliseconds   {affinity, head, eigenvectors, readout, mask}: what this run spent; 0: was remembered
//
// PRESETS[name], name one of simsam, spectral, paper, dsm, tokencut:
//   {name, settings: every setting above, deviates: [sentences]}: where it differs from the package's recipe.

import { binaryAffinity, combine, constantAffinity, cosineAffinity } from "./affinity.js";
import { semanticAffinity, vanillaAffinity } from "./affinity.js";
import { closedFormHead } from "./closed_form.js";
import { bipartition } from "./cuts.js";
import { positive, upsample } from "./features.js";
import { atTheEnd, trainHead } from "./head.js";
import { rowOf } from "./linalg.js";
import { createMemory, keyOf } from "./memory.js";
import { centroidStep, clusterVote, iouOf, lessMargin, tokenVote } from "./objects.js";
import { completeSettings } from "./settings.js";
import { inParts } from "./solvers.js";
import { eigenpairs } from "./spectral.js";

/** A pipeline with a memory of its own; see above. */
export function createPipeline() {
  const memory = createMemory();
  const steps = (photo, settings = {}, options = {}) => runStages(photo, completeSettings(settings), memory, options);
  return { steps, run: (...all) => atTheEnd(steps(...all)) };
}

/** Twin: run_stages. Each stage is remembered under what it depends on, so that a moved kappa trains no head. */
function* runStages(photo, s, memory, { graphs = false }) {
  const tokens = photo.tokens[s.tokens];
  if (!tokens) throw new Error(`This photo has no tokens of the kind "${s.tokens}": choose another.`);
  memory.restart();
  const head = yield* headStage(photo, tokens, s, memory);
  const graph = graphStage(photo, tokens, head, s, memory);
  const spectrumKey = keyOf(graph.key, s, ["k", "laplacian"]);
  const k = Math.min(s.k, tokens.rows - 1);
  const spectrum = memory.get("eigenvectors", spectrumKey, () => eigenpairs(graph.W, k, s.laplacian));
  const readoutKey = keyOf(spectrumKey, s, READOUT);
  const found = memory.get("readout", readoutKey, () => readoutStage(photo, tokens, graph.W, spectrum, s));
  const mask = memory.get("mask", keyOf(readoutKey, s, ["upsample"]), () => {
    return positive(upsample(found.score, photo.grid, photo.shape, s.upsample));
  });
  const floats = (matrix) => (matrix ? new Float32Array(matrix.data) : null);
  return {
    grid: photo.grid,
    shape: photo.shape,
    affinity: floats(graph.W),
    vanilla: graphs ? floats(graph.W_A) : null,
    semantic: graphs ? floats(graph.W_SA) : null,
    eigenvalues: new Float32Array(spectrum.values),
    eigenvectors: floats(spectrum.vectors),
    headTokens: head && floats(head.tokens),
    losses: head && new Float32Array(head.losses),
    cut: found.cut,
    score: new Float32Array(found.score),
    votes: found.votes,
    mask: mask.slice(),
    iou: photo.truth ? iouOf(mask, photo.truth) : null,
    notes: memory.get("notes", graph.key, () => notesOn(graph.W)),
    milliseconds: memory.milliseconds(["affinity", "head", "eigenvectors", "readout", "mask"]),
  };
}

const VIEWS = ["view_scale", "view_degrees", "view_shear", "view_shift"];
const HEAD = ["tokens", "head", "seed", "projector_nonlinear", ...VIEWS];
const LAYERS = [...HEAD, "projector", "predictor", "predictor_nonlinear"];
const ON = {
  closed_form: [...HEAD, "pairs", "ridge"],
  untrained: LAYERS,
  sgd: [...LAYERS, "epochs", "batch", "lr", "stop_gradient"],
};
const FIEDLER = ["threshold", "sign", "component"], VOTE = ["cluster_on", "clusters", "border_ratio", "seed"];
const READOUT = ["readout", ...FIEDLER, ...VOTE, "centroid", "margin", "upsample"];

/** The head, {tokens, losses, head, key}, or null where the settings have none. Twin: train. */
function* headStage(photo, tokens, s, memory) {
  if (s.head === "none" || s.kappa === 0 || s.graph !== "similarity") return null;
  const key = keyOf(memory.keyOfPhoto(photo), s, ON[s.head]);
  const start = () => {
    if (s.head === "closed_form") return finishedAtOnce(() => closedFormHead(tokens, photo.grid, s));
    return trainHead(tokens, photo.grid, s.head === "untrained" ? { ...s, epochs: 0 } : s);
  };
  return { key, ...(yield* memory.getInSteps("head", key, start)) };
}

/** A generator without steps. */
function* finishedAtOnce(compute) {
  return compute();
}

/** W, and what it is made of: {W, W_A, W_SA, key}. Twin: graph. */
function graphStage(photo, tokens, head, s, memory) {
  const of = memory.keyOfPhoto(photo);
  if (s.graph !== "similarity") {
    const key = keyOf(of, s, ["tokens", "graph", "tau", "floor"]);
    const make = s.graph === "binary" ? binaryAffinity : cosineAffinity;
    return { key, W: memory.get("affinity", key, () => make(tokens, s.tau, s.floor)), W_A: null, W_SA: null };
  }
  const vanilla = keyOf(of, s, ["tokens", "offset"]);
  const W_A = memory.get("affinity", vanilla, () => vanillaAffinity(tokens, s.offset));
  const semantic = head && keyOf(head.key, s, ["semantic_unit", "semantic_offset", "semantic"]);
  const W_SA = head && memory.get("affinity", semantic, () => {
    const learned = semanticAffinity(head.tokens, s.semantic_unit, s.semantic_offset);
    return s.semantic === "constant" ? constantAffinity(learned) : learned;
  });
  const key = keyOf([vanilla, semantic], s, head ? ["kappa", "floor"] : ["floor"]);
  return { key, W: memory.get("affinity", key, () => combine(W_A, W_SA, s.kappa, s.floor)), W_A, W_SA };
}

/** {score, votes, cut}. Twin: readout. */
function readoutStage(photo, tokens, W, spectrum, s) {
  let { score, votes = null, cut = null } = firstScore(photo, tokens, W, spectrum.vectors, s);
  for (let step = 0; step < s.centroid; step++) score = centroidStep(tokens, score);
  return { score: lessMargin(score, s.margin), votes, cut };
}

function firstScore(photo, tokens, W, vectors, s) {
  if (s.readout === "fiedler") {
    const settings = { ...s, attention: photo.attention, hard: s.upsample === "nearest" };
    return bipartition(rowOf(vectors, 1), W, photo.grid, settings);
  }
  if (s.cluster_on === "tokens") return tokenVote(tokens, photo.grid, s.clusters, s.border_ratio, s.seed);
  return clusterVote(vectors, photo.grid, s.clusters.filter((k) => k <= vectors.rows), s.border_ratio, s.seed);
}

/** What a reader should know about a graph before trusting its eigenvectors. */
function notesOn(W) {
  if (W.data.every((weight) => weight === W.data[0])) {
    return ["Every pair of patches has the same weight: no cut of this graph is better than another."];
  }
  return inParts(W) ? ["The graph is in several pieces: its first eigenvectors only tell them apart."] : [];
}
