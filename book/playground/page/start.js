/* Where the page begins. The scripts are deferred, so it has been read by now. */

import { say } from "../elements.js";
import { startPage } from "./main.js";

const page = document.querySelector("[data-playground]");
try {
  const { PRESETS, PHOTOS, engine, network = null } = window.SIMSAM_PLAYGROUND;
  startPage(page, { engine: engine(), presets: PRESETS, photos: [...PHOTOS], network });
} catch (error) {
  say(page.querySelector("[data-part=error]"), `This page could not start: ${error.message}`);
}
