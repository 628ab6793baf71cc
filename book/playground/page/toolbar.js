/* Above the pictures: which photo, which preset, what was changed in it, undo, and the link to all of this. */

import { made, say } from "../elements.js";
import { changedSettings } from "./settings.js";

/** Wire the bar in `root`; `moves` hears of {photo(name), preset(name), reset(), undo(), redo()}, and gives link().
    Returns {show(state, past), addPhoto({name, title})}. */
export function makeToolbar(root, { photos, presets, moves }) {
  const part = (name) => root.querySelector(`[data-part=${name}]`);
  const photo = part("photo"), preset = part("preset");
  const option = (name, text) => made("option", { value: name }, text);
  photo.append(...photos.map(({ name, title }) => option(name, title)));
  preset.append(...Object.keys(presets).map((name) => option(name, name)));
  photo.addEventListener("change", () => moves.photo(photo.value));
  preset.addEventListener("change", () => moves.preset(preset.value));
  for (const name of ["undo", "redo", "reset"]) part(name).addEventListener("click", moves[name]);
  part("copy").addEventListener("click", async () => {
    const copied = await copyLink(moves.link(), part("link"));
    const own = photo.selectedOptions[0].hasAttribute("data-own") ? " It names your photo, but does not hold it." : "";
    say(part("copied"), (copied ? "Link copied." : "Copy the link from this field.") + own);
  });
  root.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "z") return;
    event.preventDefault();
    if (event.shiftKey) moves.redo();
    else moves.undo();
  });

  function show(state, past) {
    const { settings, deviates } = presets[state.preset];
    const changes = changedSettings(state.settings, settings);
    const items = changes.map(([field, before, now]) => made("li", {}, `${field.label}: ${before} → ${now}`));
    photo.value = state.photo;
    preset.value = state.preset;
    part("undo").disabled = !past.has(-1);
    part("redo").disabled = !past.has(1);
    part("reset").disabled = !changes.length;
    part("changed").hidden = !changes.length;
    part("changes").replaceChildren(...items);
    part("deviates").replaceChildren(...deviates.map((text) => made("li", {}, text)));
    part("link").hidden = true;
    say(part("copied"), "");
  }

  function addPhoto({ name, title }) {
    photo.append(made("option", { value: name, "data-own": "" }, title));
  }

  return { show, addPhoto };
}

/** Copy a link, or show it in a field where the browser does not let a page copy; whether it was copied. */
async function copyLink(link, field) {
  try {
    await navigator.clipboard.writeText(link);
    return true;
  } catch {
    Object.assign(field, { hidden: false, value: link });
    field.select();
    return false;
  }
}
