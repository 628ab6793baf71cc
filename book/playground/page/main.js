/* The page: one state, shown by controls, views, tour and address, and moved by all of them. */

import { StateHistory } from "../past.js";
import { makeAsking, makeComputer } from "./computing.js";
import { makeControls } from "./controls.js";
import { makeOwnPhoto } from "./own_photo.js";
import { addressOf, freshState, stateOf } from "./state.js";
import { TOUR } from "./steps.js";
import { makeToolbar } from "./toolbar.js";
import { makeTour } from "./tour.js";
import { makeViews } from "./views.js";

/** Ask for the pictures of the state that the page opens with, before the page itself is there to show them. */
export function beginPage({ engine, presets, photos, network }) {
  const named = () => stateOf(location.hash, presets, photos.map((photo) => photo.name), TOUR.length);
  const state = named() ?? freshState("simsam", presets, photos[0].name), ask = makeAsking(engine);
  return { engine, presets, photos, network, named, ask, begun: ask(state, true) };
}

/** Start the page in `root`, with what `beginPage` gave. */
export function startPage(root, { engine, presets, photos, network, named, ask, begun }) {
  const past = new StateHistory(begun.state);
  const compute = makeComputer(root, ask, begun, (photo, picture, result) => {
    const [rows, columns] = result.grid;
    truth.closest("label").hidden = !photo.truth;
    views.draw({ photo, picture, result, truth: truth.checked });
    views.patch(past.state.patch ?? [Math.floor(rows / 2), Math.floor(columns / 2)]);
    tour.arrive();
  });
  const toolbar = makeToolbar(root, {
    photos,
    presets,
    moves: {
      photo: (name) => go({ ...past.state, photo: name, patch: null, step: null }),
      preset: (name) => go(withPreset(name)),
      reset: () => go(withPreset(past.state.preset)),
      undo: () => past.move(-1) && show(),
      redo: () => past.move(1) && show(),
      link: () => `${location.href.split("#")[0]}#${addressOf(past.state, presets)}`,
    },
  });
  const controls = makeControls(root.querySelector("[data-part=controls]"), (name, value) => {
    go({ ...past.state, settings: { ...past.state.settings, [name]: value } }, name);
  });
  const views = makeViews(root, (patch) => {
    past.amend({ ...past.state, patch }); // where one looks is no step of undo
    views.patch(patch);
    write();
  });
  const tour = makeTour(root.querySelector("[data-part=tour]"), root, (step) => go(tourState(step)));
  const truth = root.querySelector("[data-part=truth]");
  truth.addEventListener("change", () => views.truth(truth.checked));
  makeOwnPhoto(root, { engine, network }, (photo) => {
    if (!photos.some((one) => one.name === photo.name)) {
      photos.push(photo);
      toolbar.addPhoto(photo);
    }
    go({ ...past.state, photo: photo.name, patch: null, step: null });
  });
  addEventListener("hashchange", () => {
    const given = named();
    if (given && addressOf(given, presets) !== addressOf(past.state, presets)) go(given);
  });
  // the paper around the mask is light or dark as the theme is
  new MutationObserver(views.redraw).observe(document.documentElement, { attributeFilter: ["data-theme"] });

  function withPreset(preset) {
    return { ...past.state, preset, settings: { ...presets[preset].settings }, step: null };
  }

  function tourState(step) {
    if (step === null) return { ...past.state, step };
    const { photo, preset = "spectral", patch = null, ...settings } = TOUR[step].state;
    return { photo, preset, patch, step, settings: { ...presets[preset].settings, ...settings } };
  }

  /** Go on to a state; `name`: of the one setting that moved, if it is one. */
  function go(state, name = "") {
    past.push(state, name);
    show();
  }

  function write() {
    history.replaceState(null, "", `#${addressOf(past.state, presets)}`); // without a stop of the browser's Back
  }

  function show() {
    const { state } = past;
    toolbar.show(state, past);
    controls.show(state.settings);
    tour.show(state.step);
    compute(state);
    if (past.has(-1) || past.has(1)) write(); // the page as it opens needs no long address
  }

  show();
}
