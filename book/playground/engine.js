// What a page asks: photos, a worker that computes, and the presets. All of it hangs on one global name.
//
//   const engine = SIMSAM_PLAYGROUND.engine();       // starts a worker from a Blob: works from file:// too
//   SIMSAM_PLAYGROUND.PHOTOS                         // [{name, title}, ...], the prepared ones in their order
//   SIMSAM_PLAYGROUND.PRESETS                        // see pipeline.js
//   SIMSAM_PLAYGROUND.folder                         // the address of the folder that this script lies in
//   SIMSAM_PLAYGROUND.modules.affinity.combine       // every module's exports, on this thread too, for labs
//
//   await engine.load(NAME)
//     -> {name, title, alt, picture: data URL of H x W pixels, grid: [h, w], shape: [H, W],
//         truth: Uint8Array H*W | null}
//     Loads photos/NAME.js (beside this script) by a <script> element; a second call costs nothing.
//   await engine.run(NAME, settings, {latest, graphs, onEpoch})      // all options may be left out
//     -> the result of pipeline.js, or null if it was overtaken.
//     latest: true     a slider moves: of those that wait, and of one that trains by SGD, only the newest
//                      with `latest` counts; the others give null
//     graphs: true     with `vanilla` and `semantic` (two more n*n arrays)
//     onEpoch({epoch, loss})   called after each epoch of SGD, epoch = 1, 2, ...
//     Loads the photo, and photos/NAME.keys.js for tokens "keys", by itself. Rejects with an Error of one sentence.
//   await engine.tokens(NAME)                        // -> its output tokens on this thread, a Matrix (n, d), for labs
//   engine.addPhoto(NAME, {title, alt, picture, grid, shape, truth, output, keys, attention})
//     An own photo: output and keys Float32Array n*d (keys may be null: then `tokens: "keys"` is refused),
//     attention Float32Array n | null, truth Uint8Array H*W | null.
//   SIMSAM_PLAYGROUND.network                        // the transformer for an own photo, see network.js
//   engine.stop()                                    // ends the worker; what was asked gives null

import { decodeRuns, decodeTokens } from "./features.js";
import { NETWORK, PHOTOS } from "./generated.js";
import { createNetwork } from "./network.js";
import { PRESETS } from "./settings.js";

/** The object SIMSAM_PLAYGROUND. `source` is the script itself, which is the worker's script too; prepared
 * photos lie beside it. */
export function openPlayground(modules, source) {
  const folder = new URL(".", document.currentScript.src).href;
  const prepared = new Map(); // name -> what photos/NAME.js and photos/NAME.keys.js hold
  const scripts = new Map(); // address -> Promise
  const photo = (name, parts) => prepared.set(name, { ...prepared.get(name), ...parts });

  /** A script of this site, once. From file:// nothing else can be loaded. */
  function load(file) {
    if (!scripts.has(file)) scripts.set(file, loadScript(folder + file));
    return scripts.get(file);
  }

  async function find(name, part = "output") {
    if (!prepared.has(name) || !(part in prepared.get(name))) {
      const known = PHOTOS.some((one) => one.name === name);
      if (!known && !prepared.has(name)) throw new Error(`There is no photo "${name}".`);
      if (known) await load(part === "keys" ? `photos/${name}.keys.js` : `photos/${name}.js`);
    }
    return prepared.get(name);
  }

  const network = createNetwork(NETWORK, folder + "network/");
  return { PHOTOS, PRESETS, modules, folder, network, photo, engine: () => createEngine(source, find, photo) };
}

/** A script element's loading as a promise; a script that did not come may be asked for again. */
function loadScript(address) {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = address;
    script.onload = () => resolve();
    script.onerror = () => reject(new Error(`${address.split("/").pop()} could not be loaded.`));
    document.head.append(script);
  });
}

/** A worker and what is asked of it; see above. */
function createEngine(source, find, photo) {
  const address = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  const worker = new Worker(address);
  const asked = new Map(), sent = new Map();
  let count = 0, stopped = false;

  worker.onmessage = ({ data }) => {
    const request = asked.get(data.id);
    if (!request) return;
    if (data.epoch) return request.onEpoch({ epoch: data.epoch, loss: data.loss });
    asked.delete(data.id);
    if (data.error) request.reject(new Error(data.error));
    else request.resolve(data.overtaken ? null : data.result);
  };
  worker.onerror = ({ message }) => {
    for (const request of asked.values()) request.reject(new Error(`The worker stopped: ${message}.`));
    asked.clear();
  };

  function ask(message, onEpoch = () => {}) {
    if (stopped) return Promise.resolve(null);
    const id = ++count;
    worker.postMessage({ ...message, id });
    return new Promise((resolve, reject) => asked.set(id, { resolve, reject, onEpoch }));
  }

  /** The worker gets each part of a photo once; without a picture, which it does not look at. The answer is a promise
   * that nobody has to wait for: the worker takes what is asked in its order. */
  function send(name, parts, part) {
    const key = `${name} ${part}`, value = parts[part], before = sent.get(key);
    if (!value) return null;
    if (before?.value === value) return before.kept;
    const { grid, shape, output, attention, truth } = parts;
    const wanted = part === "keys" ? { keys: value } : { grid, shape, output, attention, truth };
    const kept = ask({ kind: "photo", name, photo: wanted }).catch((error) => {
      sent.delete(key);
      throw error;
    });
    sent.set(key, { value, kept });
    return kept;
  }

  return {
    async load(name) {
      const { title, alt, picture, grid, shape, truth = null } = await find(name);
      return { name, title, alt, picture, grid, shape, truth: decodeRuns(truth, shape) };
    },

    async run(name, settings = {}, { latest = false, graphs = false, onEpoch } = {}) {
      const kept = [send(name, await find(name), "output")];
      if (settings.tokens === "keys") kept.push(send(name, await find(name, "keys"), "keys"));
      const run = ask({ kind: "run", name, settings, latest, graphs }, onEpoch);
      const [result] = await Promise.all([run, ...kept]); // of a photo that the worker cannot read, its own error
      return result;
    },

    async tokens(name) {
      const { output, grid } = await find(name);
      return decodeTokens(output, grid);
    },

    addPhoto(name, { title, alt, picture, grid, shape, output, keys = null, attention = null, truth = null }) {
      photo(name, { title, alt, picture, grid, shape, output, keys, attention, truth });
    },

    stop() {
      stopped = true;
      worker.terminate();
      URL.revokeObjectURL(address);
      for (const request of asked.values()) request.resolve(null);
      asked.clear();
    },
  };
}
