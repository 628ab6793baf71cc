// The reader's own photo: the vision transformer itself, run in the page by a worker. Nothing leaves the page.
//
//   const network = SIMSAM_PLAYGROUND.network;
//   network.built, network.why            // false, and why, where the site was built without it
//   network.megabytes                     // what `load` will fetch at most: tell it first, load on a click
//   await network.load((share, bytes, total) => ...)
//   await network.features(image)         // Blob (a file), ImageBitmap or ImageData; loads first if need be
//     -> {grid: [h, w], shape: [H, W], picture: data URL of H x W pixels, output, keys: Float32Array n*d,
//         attention: Float32Array n | null, milliseconds: {photo, network}}: what engine.addPhoto takes
// Both reject with an Error of one sentence.
//
// Runtime and weights lie in network/ as scripts, each with a piece of a compressed file in base64, since a page
// from file:// can load scripts alone. tools/playground_network.py writes them and the manifest.

import { bytesOf } from "./features.js";

const CACHE = "simsam-playground-"; // the browser's cache of the pieces: its name ends with the build's hash

/** The network of a site. `manifest`: what the build says of it; `folder`: the address where its pieces lie. */
export function createNetwork(manifest, folder) {
  const pieces = new Map(); // file -> its text in base64
  let loading = null, ask = null;

  async function load(progress = () => {}) {
    if (!manifest.built) throw new Error(`There is no network here: ${manifest.why}.`);
    loading ||= open(progress).catch((error) => {
      loading = null; // it may be tried again, from the start
      pieces.clear();
      throw error;
    });
    return loading;
  }

  async function open(progress) {
    const files = Object.values(manifest.parts).flatMap((part) => part.files);
    const cache = await openCache(manifest.sha256);
    let bytes = 0;
    for (const file of files) {
      if (!pieces.has(file.name)) await fetchPiece(folder + file.name, cache, (text) => pieces.set(file.name, text));
      bytes += file.bytes;
      progress(bytes / manifest.bytes, bytes, manifest.bytes);
    }
    const parts = {};
    for (const [name, part] of Object.entries(manifest.parts)) {
      parts[name] = await unpack(part.files.map((file) => pieces.get(file.name)), part, cache);
      part.files.forEach((file) => pieces.delete(file.name));
    }
    const { worker, ...others } = parts;
    ask = startAsking(worker);
    await ask({ kind: "start", parts: others, info: manifest }, Object.values(others));
  }

  return {
    built: manifest.built,
    why: manifest.why,
    megabytes: (manifest.bytes || 0) / 1e6,
    backbone: manifest.backbone,
    load,
    async features(image) {
      await load();
      return ask({ kind: "photo", image }, []);
    },
    /** Called by each piece's script. */
    piece: (name, text) => pieces.set(name, text),
  };
}

/** Sends messages to a new worker with this source; each answer is a promise. */
function startAsking(source) {
  const worker = new Worker(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
  const asked = new Map();
  let count = 0;
  worker.onmessage = ({ data: { id, result, error } }) => {
    const { resolve, reject } = asked.get(id);
    asked.delete(id);
    if (error) reject(new Error(error));
    else resolve(result);
  };
  worker.onerror = ({ message }) => {
    for (const { reject } of asked.values()) reject(new Error(`The network's worker stopped: ${message}.`));
    asked.clear();
  };
  return (message, given) => {
    const id = ++count;
    return new Promise((resolve, reject) => {
      asked.set(id, { resolve, reject });
      worker.postMessage({ ...message, id }, given);
    });
  };
}

/** The browser's cache for this build, those of older builds deleted; null from file:// or where it is forbidden. */
async function openCache(hash) {
  if (!location.protocol.startsWith("http") || !globalThis.caches) return null;
  try {
    const old = (await caches.keys()).filter((name) => name.startsWith(CACHE) && name !== CACHE + hash);
    await Promise.all(old.map((name) => caches.delete(name)));
    return await caches.open(CACHE + hash);
  } catch {
    return null;
  }
}

/** One piece, from the cache or from the site; `found(text)` gets it. */
async function fetchPiece(address, cache, found) {
  if (!location.protocol.startsWith("http")) return runScript(address);
  const kept = await cache?.match(address);
  const answer = kept || (await fetch(address).catch(() => ({ ok: false })));
  if (!answer.ok) throw new Error(couldNot(address));
  if (cache && !kept) await cache.put(address, answer.clone()).catch(() => {}); // a full disk is no failure
  const script = await answer.text(), end = script.lastIndexOf('"');
  return found(script.slice(script.lastIndexOf('"', end - 1) + 1, end));
}

/** The same from file://, where the script itself calls `network.piece`. */
function runScript(address) {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = address;
    script.onload = () => resolve(script.remove());
    script.onerror = () => reject(new Error(couldNot(address)));
    document.head.append(script);
  });
}

function couldNot(address) {
  return `${address.split("/").pop()} could not be loaded: try again.`;
}

/** A part's bytes from its pieces, its hash compared where the browser can. */
async function unpack(texts, part, cache) {
  try {
    const packed = new Blob(texts.map(bytesOf)).stream();
    const bytes = await new Response(packed.pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
    if ((await sha256(bytes)) === part.sha256) return bytes;
  } catch {
    // not base64, or cut short: as damaged as a wrong hash
  }
  for (const key of (await cache?.keys()) ?? []) await cache.delete(key);
  throw new Error("What was loaded is damaged: load it again.");
}

async function sha256(bytes) {
  const digest = await crypto.subtle.digest("SHA-256", bytes);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
