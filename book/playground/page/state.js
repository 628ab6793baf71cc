/* The page's state {photo, preset, settings, patch, step}, as an address.

   The address names the photo, the preset, and only what differs from the preset:
   #photo=cat&preset=simsam&kappa=0.5&patch=12,14 (row and column, from 0). A teacher hands it out as a link. */

import { FIELDS, parsedValue, sameValue } from "./settings.js";

/** The state as the part of an address after "#". */
export function addressOf(state, presets) {
  const preset = presets[state.preset].settings;
  const parts = [["photo", state.photo], ["preset", state.preset]];
  for (const { name } of FIELDS) {
    if (!sameValue(state.settings[name], preset[name])) parts.push([name, state.settings[name]]);
  }
  if (state.patch) parts.push(["patch", state.patch]);
  if (state.step !== null) parts.push(["step", state.step + 1]);
  // a comma and a colon may stand in a fragment as they are, and read better so
  const encoded = (value) => encodeURIComponent(value).replaceAll("%2C", ",").replaceAll("%3A", ":");
  return parts.map(([name, value]) => `${name}=${encoded(value)}`).join("&");
}

/** The state that an address names, or null where it names none. What cannot be read keeps the preset's value. */
export function stateOf(hash, presets, photos, steps) {
  const given = new URLSearchParams(hash.replace(/^#/, ""));
  if (!given.has("photo") && !given.has("preset")) return null; // the anchor of a heading
  const named = given.get("preset");
  const state = freshState(Object.hasOwn(presets, named) ? named : "simsam", presets, photos[0]);
  if (photos.includes(given.get("photo"))) state.photo = given.get("photo");
  for (const field of FIELDS) {
    const value = given.has(field.name) ? parsedValue(field, given.get(field.name)) : undefined;
    if (value !== undefined) state.settings[field.name] = value;
  }
  const patch = (given.get("patch") ?? "").split(",").map(Number);
  if (patch.length === 2 && patch.every((at) => Number.isInteger(at) && at >= 0)) state.patch = patch;
  const step = Number(given.get("step")) - 1;
  if (Number.isInteger(step) && step >= 0 && step < steps) state.step = step;
  return state;
}

export function freshState(preset, presets, photo) {
  return { photo, preset, settings: { ...presets[preset].settings }, patch: null, step: null };
}
