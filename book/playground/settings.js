// Settings and presets. Their names, values and limits are those of `Recipe` (simsam/pipeline/recipes.py):
// book/_ext/playground.py writes generated.js from the package, so that the two cannot drift apart.

import { FIELDS, RECIPES } from "./generated.js";

/** {name: {name, settings, deviates}}: the package's recipes as far as the page has them; see pipeline.js. */
export const PRESETS = RECIPES;

/** All settings from some of them, the rest as in the recipe `simsam`. Throws an Error of one sentence. */
export function completeSettings(settings) {
  for (const [name, value] of Object.entries(settings)) {
    const field = FIELDS[name];
    if (!field) throw new Error(`Unknown setting "${name}". Known: ${Object.keys(FIELDS).join(", ")}.`);
    const problem = problemWith(value, field);
    if (problem) throw new Error(`${name}=${JSON.stringify(value)}: ${problem}.`);
  }
  const all = { ...RECIPES.simsam.settings, ...settings };
  const needed = Math.max(...all.clusters);
  if (all.readout === "vote" && all.cluster_on === "eigenvectors" && all.k < needed) {
    throw new Error(`k=${all.k} eigenvectors are too few for a vote over ${all.clusters.join(", ")} clusters.`);
  }
  return all;
}

/** What is wrong with a value, or "". A field says {words} | {low, high, whole, many, empty} | {switch}. */
function problemWith(value, field) {
  if (field.words) return field.words.includes(value) ? "" : `give ${field.words.join(", ")}`;
  if (field.switch) return typeof value === "boolean" ? "" : "give true or false";
  if (field.text) return typeof value === "string" ? "" : "give a word";
  if (field.many) {
    const fits = (one) => !problemWith(one, { ...field, many: false });
    const right = Array.isArray(value) && value.length > 0 && value.every(fits);
    return right ? "" : `give one number or several, each from ${field.low} to ${field.high}`;
  }
  if (value === null && field.empty) return "";
  const right = typeof value === "number" && value >= field.low && (field.high === null || value <= field.high);
  const kind = field.whole ? "a whole number" : "a number";
  const limits = field.high === null ? `of ${field.low} or more` : `from ${field.low} to ${field.high}`;
  return right && Number.isFinite(value) && (!field.whole || Number.isInteger(value)) ? "" : `give ${kind} ${limits}`;
}
