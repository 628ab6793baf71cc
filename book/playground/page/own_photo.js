/* A photo of the reader's own: chosen, dropped or pasted. The page itself describes it; nothing is sent.
   The transformer is large, so its size is told, and it is loaded only on a click. */

import { made, say } from "../elements.js";

/** Make the section `data-part=own` of `root`; `added({name, title})` hears of a photo that is ready.
    `network`: see network.js; null where the site has none. */
export function makeOwnPhoto(root, { engine, network }, added) {
  const section = root.querySelector("[data-part=own]");
  const title = made("h3", { id: "pg-own-title" }, "A photo of your own");
  if (!network?.built) {
    const why = network?.why ?? "this site was built without it";
    const text = `The prepared photos need no transformer. For yours this page would have to run one: ${why}.`;
    section.append(title, made("p", {}, text));
    return;
  }
  const size = `${Math.ceil(network.megabytes)} MB`;
  const load = made("button", { type: "button" }, `Load the transformer (${size})`);
  const file = made("input", { type: "file", accept: "image/*", id: "pg-own-file", className: "pg-file" });
  const drop = made("label", { htmlFor: file.id, className: "pg-drop" }, "Choose a photo, drop one here, or paste one");
  const bar = made("progress", { max: 1, value: 0, "aria-label": "Loading the transformer" });
  const told = made("p", { role: "status" });
  const text = "Your photo stays in this page, which runs the transformer itself; nothing is sent.";
  section.append(title, made("p", {}, text), made("div", { className: "pg-own-row" }, load, file, drop, bar), told);
  let count = 0;

  function shown(stage) {
    load.hidden = stage !== "offered";
    bar.hidden = stage !== "loading";
    file.hidden = drop.hidden = stage !== "ready";
    file.disabled = stage !== "ready";
  }

  async function start() {
    shown("loading");
    say(told, `Loading ${size} …`);
    try {
      await network.load((share) => (bar.value = share));
      shown("ready");
      file.focus({ preventScroll: true });
      say(told, "The transformer is ready for a photo.");
    } catch (error) {
      shown("offered");
      say(told, error.message);
    }
  }

  async function take(photo) {
    if (photo && !load.hidden) say(told, "Load the transformer first: it reads your photo.");
    if (file.disabled || !photo) return;
    file.disabled = true;
    say(told, "The transformer looks at your photo …");
    try {
      const described = await network.features(photo);
      const name = `own-${(count += 1)}`, called = photo.name || "pasted photo";
      engine.addPhoto(name, { title: called, alt: `Your own photo: ${called}`, truth: null, ...described });
      say(told, `${called} is the photo above now.`);
      added({ name, title: `Yours: ${called}` });
    } catch (error) {
      say(told, error.message);
    }
    file.disabled = false;
    file.value = ""; // so that the same file can be chosen again
  }

  shown("offered");
  load.addEventListener("click", start);
  file.addEventListener("change", () => take(file.files[0]));
  root.addEventListener("dragover", (event) => event.preventDefault());
  root.addEventListener("drop", (event) => {
    event.preventDefault();
    take(event.dataTransfer.files[0]);
  });
  addEventListener("paste", (event) => take(event.clipboardData.files[0]));
}
