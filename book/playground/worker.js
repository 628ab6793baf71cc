// The worker's loop: one message a request, one answer each. The engine (engine.js) is the only one to talk to it.
//
// In:  {id, kind: "photo", name, photo}              a photo to keep, as prepared (base64) or as arrays
//      {id, kind: "run", name, settings, latest, graphs}
// Out: {id, result} | {id, overtaken: true} | {id, error: sentence} | {id, epoch, loss} after an epoch of SGD
//
// Between two epochs it looks whether a newer request with `latest` has come, and drops the older one.

import { decodePhoto, decodeTokens } from "./features.js";
import { createPipeline } from "./pipeline.js";

/** Answers what is asked of a worker's global scope, one request after the other. */
export function startWorker(scope) {
  const photos = new Map(), waiting = [], pipeline = createPipeline();
  let working = false;

  scope.onmessage = async ({ data }) => {
    waiting.push(data);
    if (working) return;
    working = true;
    while (waiting.length) {
      await pause();
      await answer(waiting.shift());
    }
    working = false;
  };

  async function answer(request) {
    const { id } = request;
    try {
      if (request.kind === "photo") keepPhoto(request);
      else await run(request);
    } catch (error) {
      scope.postMessage({ id, error: error.message });
    }
  }

  /** A photo, or the keys of one that is here already. */
  function keepPhoto({ id, name, photo }) {
    if (photo.output) photos.set(name, decodePhoto(photo));
    else photos.get(name).tokens.keys = decodeTokens(photo.keys, photos.get(name).grid);
    scope.postMessage({ id, result: null });
  }

  async function run(request) {
    const { id, name, settings, graphs } = request;
    const overtaken = () => request.latest && waiting.some((other) => other.kind === "run" && other.latest);
    if (overtaken()) return scope.postMessage({ id, overtaken: true });
    const steps = pipeline.steps(photos.get(name), settings, { graphs });
    let step = steps.next();
    while (!step.done) {
      scope.postMessage({ id, epoch: step.value.epoch, loss: step.value.loss });
      await pause();
      if (overtaken()) return scope.postMessage({ id, overtaken: true });
      step = steps.next();
    }
    const arrays = Object.values(step.value).filter((value) => value instanceof Float32Array);
    return scope.postMessage({ id, result: step.value }, arrays.map((array) => array.buffer));
  }
}

/** Lets messages that have come in reach `onmessage`. */
function pause() {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}
