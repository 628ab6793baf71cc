/* What the page asks of the engine for a state, and the state's turn to be drawn. */

import { figure, say } from "../elements.js";

/** A function `ask(state, first)` for all that a state shows: {state, tell, photo, results}, promises of the photo with
    its picture and of one result or two. `first`: the page has no pictures yet; those without the head then come before
    those of a head that trains by SGD, which takes seconds. `tell(step)` may be set, and hears of each epoch. */
export function makeAsking(engine) {
  const photos = new Map(); // name -> promise

  function photoOf(name) {
    if (!photos.has(name)) photos.set(name, withPicture(engine.load(name)));
    photos.get(name).catch(() => photos.delete(name)); // it may be asked for again
    return photos.get(name);
  }

  return function ask(state, first) {
    const { photo, settings } = state, asked = { state, tell: () => {}, photo: photoOf(photo), results: [] };
    if (first && settings.head === "sgd") asked.results.push(engine.run(photo, { ...settings, head: "none" }));
    const onEpoch = (step) => asked.tell(step);
    asked.results.push(engine.run(photo, settings, { latest: true, onEpoch }));
    for (const promise of asked.results) promise.catch(() => {}); // whoever draws them hears of it
    return asked;
  };
}

async function withPicture(loading) {
  const photo = await loading, loaded = new Image();
  loaded.src = photo.picture;
  await loaded.decode();
  return { ...photo, loaded };
}

/** A function of the state that computes its result and hands it to `draw(photo, picture, result)`; what a newer
    state overtakes is not drawn. `begun`: what `ask` gave for the state that the page opens with. */
export function makeComputer(root, ask, begun, draw) {
  const told = (name, text) => say(root.querySelector(`[data-part=${name}]`), text);
  let newest = null, opening = begun;

  return async function compute(state) {
    newest = state;
    root.setAttribute("aria-busy", "true");
    try {
      await computed(state);
      told("error", "");
    } catch (error) {
      if (state === newest) told("error", error.message);
    }
    if (state === newest) root.removeAttribute("aria-busy");
  };

  async function computed(state) {
    const asked = opening?.state === state ? opening : ask(state, !root.dataset.ready);
    opening = null;
    asked.tell = ({ epoch, loss }) => told("times", `Epoch ${epoch}: loss ${figure(loss, 3)}`);
    for (const promise of asked.results) {
      const result = await promise, photo = await asked.photo;
      if (!result || state !== newest) continue;
      draw(photo, photo.loaded, result);
      told("notes", result.notes.join(" "));
      told("times", timesText(result));
    }
    root.dataset.ready = "true";
  }
}

/** What each stage took, in one line; what was remembered took nothing. */
function timesText({ milliseconds, losses }) {
  const spent = Object.entries(milliseconds).filter(([, ms]) => ms > 0);
  const stages = spent.map(([stage, ms]) => `${stage} ${Math.round(ms)} ms`);
  if (!stages.length) stages.push("nothing, all of it was remembered");
  const loss = losses?.length ? ` Loss of the head: ${figure(losses.at(-1), 3)}.` : "";
  return `Computed in this page: ${stages.join(", ")}.${loss}`;
}
