/* Where the page begins. Its scripts stand in the head, so the worker computes while the page is still read; the page
   starts as soon as that is done, ahead of the scripts that are deferred, which take longer. */

import { say } from "../elements.js";
import { beginPage, startPage } from "./main.js";

function begin() {
  const { PRESETS, PHOTOS, engine, network = null } = window.SIMSAM_PLAYGROUND;
  return beginPage({ engine: engine(), presets: PRESETS, photos: [...PHOTOS], network });
}

function whenRead(start) {
  if (document.readyState === "loading") document.addEventListener("readystatechange", start, { once: true });
  else start();
}

function openPage() {
  const page = document.querySelector("[data-playground]");
  try {
    if (failure) throw failure;
    startPage(page, begun);
  } catch (error) {
    say(page.querySelector("[data-part=error]"), `This page could not start: ${error.message}`);
  }
}

let begun = null;
let failure = null;
try {
  begun = begin();
} catch (error) {
  failure = error;
}
whenRead(openPage);
