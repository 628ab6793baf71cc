/* Chapter 5: the way from one eigenvector to a mask, decision by decision. The eigenvectors stay the same. */

import { paintMap, paintMask } from "../canvas.js";
import { signedColour } from "../colours.js";
import { made, say } from "../elements.js";
import { positive, upsample } from "../features.js";
import { canvasFor, choice, liveLine, percent, pictured, tick } from "./controls.js";
import { labEngine, labPhoto } from "./photo.js";

const SHOT = "astronaut";
const THRESHOLDS = [["two_means", "two_means"], ["otsu", "otsu"], ["ncut", "ncut"], ["mean", "mean"], ["zero", "zero"]];
const SIGNS = [["border", "border"], ["minority", "minority"], ["attention", "attention"], ["peak", "peak"]];
const NAMES = ["threshold", "sign", "vote", "centroid", "margin"];
const ALONE = { readout: "fiedler", centroid: 0, margin: 0 }; // one eigenvector, and no step after its cut

/** The lab; see start.js. */
export async function decisionsLab(id) {
  const photo = await labPhoto(SHOT);
  const recipe = globalThis.SIMSAM_PLAYGROUND.PRESETS.spectral.settings;
  const chosen = { threshold: "two_means", sign: "border", vote: true, centroid: true, margin: true };
  const set = (name) => (value) => {
    chosen[name] = value;
    return update();
  };
  const controls = {
    threshold: choice(`${id}-threshold`, "1. threshold", THRESHOLDS, chosen.threshold, set("threshold")),
    sign: choice(`${id}-sign`, "2. sign", SIGNS, chosen.sign, set("sign")),
    vote: tick(`${id}-vote`, "3. vote", true, set("vote")),
    centroid: tick(`${id}-centroid`, "4. centroid", true, set("centroid")),
    margin: tick(`${id}-margin`, "5. margin", true, set("margin")),
  };
  const vector = canvasFor("lab-grid"), said = liveLine();
  const frames = Object.fromEntries(NAMES.map((name) => [name, makeFrame(controls[name].element)]));
  const start = pictured("second eigenvector", vector, made("span", { className: "lab-share" }, "\u00a0"));
  const strip = [start, ...Object.values(frames).map(({ element }) => element)];
  let latest = 0;

  async function update() {
    const mine = ++latest;
    let masks;
    try {
      masks = await masksOf(recipe, chosen, photo);
    } catch (error) {
      return say(said, error.message); // such as a sign that these features cannot give
    }
    if (mine !== latest) return;
    const shares = NAMES.map((name, i) => paintFrame(frames[name], name, masks[i], i ? masks[i - 1] : null, photo));
    for (const name of NAMES.slice(2)) frames[name].element.classList.toggle("lab-off", !chosen[name]);
    for (const name of NAMES.slice(0, 2)) frames[name].element.classList.toggle("lab-off", chosen.vote);
    say(said, sentences(chosen, shares, masks.at(-1)));
  }

  const first = await labEngine().run(SHOT, { ...recipe, ...ALONE });
  const n = first.score.length, y = first.eigenvectors.subarray(n, 2 * n);
  const largest = y.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  paintMap(vector, first.grid, y, (value) => signedColour(value, largest));
  vector.setAttribute("aria-label", `The second eigenvector of the photo. ${photo.alt}`);
  await update();
  const lab = made("div", { "aria-label": "Lab: the decisions" });
  lab.append(made("div", { className: "lab-strip" }, ...strip), said);
  return lab;
}

/** The mask after each decision: five of them, (H * W) each; a decision that is off changes nothing. */
async function masksOf(recipe, chosen, { grid, shape }) {
  const { threshold, sign } = chosen;
  const run = async (changes) => (await labEngine().run(SHOT, { ...recipe, threshold, sign, ...changes })).mask;
  const alone = await labEngine().run(SHOT, { ...recipe, threshold, sign, ...ALONE });
  const n = alone.score.length, y = alone.eigenvectors.subarray(n, 2 * n);
  const unturned = positive(upsample(y.map((value) => value - alone.cut), grid, shape));
  const readout = chosen.vote ? "vote" : "fiedler", centroid = chosen.centroid ? recipe.centroid : 0;
  const margin = chosen.margin ? recipe.margin : 0;
  return [
    unturned,
    alone.mask,
    await run({ ...ALONE, readout }),
    await run({ ...ALONE, readout, centroid }),
    await run({ readout, centroid, margin }),
  ];
}

function makeFrame(control) {
  const canvas = canvasFor("lab-photo"), share = made("span", { className: "lab-share" });
  return { element: pictured(control, canvas, share), canvas, share };
}

/** Paint one frame; the share of the photo that it changed. */
function paintFrame({ canvas, share }, name, mask, before, photo) {
  paintMask(canvas, photo.image, mask, photo.shape);
  canvas.setAttribute("aria-label", `The mask after ${name}: ${percent(covered(mask))} of the photo.`);
  const changed = before ? mask.reduce((sum, one, i) => sum + (one ^ before[i]), 0) / mask.length : 0;
  say(share, before ? `changes ${percent(changed, 1)}` : "\u00a0");
  return changed;
}

function covered(mask) {
  return mask.reduce((sum, one) => sum + one, 0) / mask.length;
}

function sentences(chosen, shares, mask) {
  const most = shares.indexOf(Math.max(...shares));
  const changed = shares[most] > 0
    ? ` Most changes at ${NAMES[most]}: ${percent(shares[most], 1)} of the photo.` : " No decision changes anything.";
  const voted = chosen.vote
    ? " The vote asks the eigenvectors anew: what threshold and sign said no longer counts." : "";
  return `The last mask covers ${percent(covered(mask))} of the photo.${changed}${voted}`;
}
