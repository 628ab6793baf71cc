// The network's own worker: the runtime, the weights, and one photo after the other. Only network.js talks to it.
//
// In:  {id, kind: "start", parts: {runtime, wasm, weights}, info}     parts: ArrayBuffers; info: the manifest
//      {id, kind: "photo", image: Blob | ImageBitmap | ImageData}
// Out: {id, result} | {id, error: sentence}

import { firstStep, planGrid, reduceByMean, resizeMatrix, toInput } from "./resize.js";

const TILE = 1024; // pixels of a side that are read from the photo at once
const SHOWN = 480; // pixels of the longer side of the picture that the page shows, as of the prepared photos

/** Answers what is asked of a worker's global scope. */
export function startNetworkWorker(scope) {
  let network = null, before = Promise.resolve();

  async function answer({ id, kind, parts, info, image }) {
    try {
      if (kind === "start") network = await openNetwork(parts, info);
      const result = kind === "photo" ? await describePhoto(image, network) : null;
      scope.postMessage({ id, result });
    } catch (error) {
      scope.postMessage({ id, error: error.message });
    }
  }

  scope.onmessage = ({ data }) => (before = before.then(() => answer(data)));
}

/** The runtime with the network in it: {ort, session, info}. */
async function openNetwork(parts, info) {
  try {
    if (!globalThis.OffscreenCanvas) throw new Error("it has no OffscreenCanvas");
    return { info, ...(await startRuntime(parts)) };
  } catch (error) {
    throw new Error(`This browser cannot run the network (${error.message}).`);
  }
}

async function startRuntime({ runtime, wasm, weights }) {
  const script = URL.createObjectURL(new Blob([runtime], { type: "text/javascript" }));
  const ort = await import(script);
  ort.env.wasm.numThreads = 1; // more would need headers that a static host cannot send
  ort.env.wasm.wasmBinary = wasm;
  // Weights of 8 bits become floats once, here, and not at each photo.
  const extra = { session: { disable_quant_qdq: "1" } };
  const options = { executionProviders: ["wasm"], graphOptimizationLevel: "all", extra };
  return { ort, session: await ort.InferenceSession.create(new Uint8Array(weights), options) };
}

/** What the engine's `addPhoto` takes, but for its names: {grid, shape, picture, output, keys, attention,
 * milliseconds}. */
async function describePhoto(image, network) {
  const { patch, size } = network.info, begin = performance.now();
  const bitmap = await decodeImage(image);
  try {
    const sides = [bitmap.height, bitmap.width], grid = planGrid(sides, patch, size);
    const picture = readReduced(bitmap, firstStep(sides, grid, patch));
    const prepared = performance.now();
    const tokens = await runNetwork(toInput(picture, grid, network.info), grid, network);
    return {
      grid,
      ...tokens,
      ...(await shownPicture(bitmap)),
      milliseconds: { photo: prepared - begin, network: performance.now() - prepared },
    };
  } finally {
    bitmap.close();
  }
}

/** A photo as the browser shows it: upright, its colours in sRGB. */
async function decodeImage(image) {
  try {
    return await createImageBitmap(image, { imageOrientation: "from-image" });
  } catch {
    throw new Error("This browser cannot read the file as a photo.");
  }
}

/** The photo's pixels, reduced by a whole number, read tile by tile: memory does not grow with a large photo.
 * What is transparent gets a white ground. */
function readReduced(bitmap, times) {
  const side = Math.max(1, Math.floor(TILE / times)) * times; // whole squares
  const canvas = new OffscreenCanvas(Math.min(side, bitmap.width), Math.min(side, bitmap.height));
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const height = Math.ceil(bitmap.height / times), width = Math.ceil(bitmap.width / times);
  const whole = { height, width, data: new Uint8ClampedArray(height * width * 3) };
  for (let top = 0; top < bitmap.height; top += side) {
    for (let left = 0; left < bitmap.width; left += side) {
      context.fillStyle = "white";
      context.fillRect(0, 0, canvas.width, canvas.height);
      context.drawImage(bitmap, -left, -top);
      const w = Math.min(side, bitmap.width - left), h = Math.min(side, bitmap.height - top);
      const tile = reduceByMean({ height: h, width: w, data: context.getImageData(0, 0, w, h).data }, times, 4);
      for (let y = 0; y < tile.height; y++) {
        const row = tile.data.subarray(y * tile.width * 3, (y + 1) * tile.width * 3);
        whole.data.set(row, ((top / times + y) * width + left / times) * 3);
      }
    }
  }
  return whole;
}

/** The tokens of one input (3, h * patch, w * patch). Twin: simsam.features.forward. */
async function runNetwork(input, grid, { ort, session, info }) {
  const [rows, columns] = grid.map((side, i) => {
    const from = info.positions[i];
    return new ort.Tensor("float32", resizeMatrix(from, side), [side, from]);
  });
  const pixels = new ort.Tensor("float32", input, [1, 3, ...grid.map((side) => side * info.patch)]);
  const { output, keys, attention } = await session.run({ pixels, rows, columns });
  return { output: output.data, keys: keys.data, attention: attention ? attention.data : null };
}

/** The photo as the page shows it, and as large as its masks: {picture: data URL, shape: [H, W]}. */
async function shownPicture(bitmap) {
  const scale = Math.min(1, SHOWN / Math.max(bitmap.width, bitmap.height));
  const [height, width] = [bitmap.height, bitmap.width].map((side) => Math.max(1, Math.round(side * scale)));
  const canvas = new OffscreenCanvas(width, height), context = canvas.getContext("2d");
  context.fillStyle = "white";
  context.fillRect(0, 0, width, height);
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, width, height);
  const blob = await canvas.convertToBlob({ type: "image/jpeg", quality: 0.9 });
  return { picture: new FileReaderSync().readAsDataURL(blob), shape: [height, width] };
}
