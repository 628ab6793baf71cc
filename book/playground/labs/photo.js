/* Photos and the worker, which all labs of a page share; the worker starts with the first lab that asks. */

let shared = null;

/** The engine of the playground, see engine.js. */
export function labEngine() {
  shared = shared || globalThis.SIMSAM_PLAYGROUND.engine();
  return shared;
}

/** What `engine.load` gives of a prepared photo, and its picture as an image that can be painted. */
export async function labPhoto(name) {
  const photo = await labEngine().load(name);
  const image = new Image();
  image.src = photo.picture;
  image.alt = photo.alt;
  await image.decode();
  return { ...photo, image };
}
