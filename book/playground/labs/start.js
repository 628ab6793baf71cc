/* The labs in the chapters. A chapter holds

       <div data-lab="NAME"> a sentence for those who read it without this script </div>

   and the lab takes the sentence's place when the reader comes near it: photo and worker are loaded then. A lab is
   a function lab(id, data) -> element, or a promise of one; `id` begins the ids of its form controls, `data` is the
   element's data attributes. What fails is told in place of the lab, and the sentence stays. */

import { made } from "../elements.js";
import { bootstrapLab } from "./bootstrap.js";
import { cutLab } from "./cut.js";
import { decisionsLab } from "./decisions.js";
import { affinityLab } from "./graph.js";
import { thresholdLab } from "./threshold.js";
import { trainingLab } from "./training.js";

const LABS = {
  affinity: affinityLab,
  bootstrap: bootstrapLab,
  cut: cutLab,
  decisions: decisionsLab,
  threshold: thresholdLab,
  training: trainingLab,
};
const AHEAD = "300px"; // so far below the window a lab begins

async function openLab(place) {
  const name = place.dataset.lab;
  place.setAttribute("aria-busy", "true");
  try {
    const lab = await LABS[name](`lab-${name}`, place.dataset);
    lab.classList.add("lab");
    lab.setAttribute("role", "group");
    place.replaceChildren(lab);
  } catch (error) {
    place.append(made("p", { role: "alert" }, `The lab did not start: ${error.message}`));
  }
  place.removeAttribute("aria-busy");
}

const nearby = new IntersectionObserver((seen) => {
  for (const { isIntersecting, target } of seen) {
    if (!isIntersecting) continue;
    nearby.unobserve(target);
    openLab(target);
  }
}, { rootMargin: AHEAD });

for (const place of document.querySelectorAll("[data-lab]")) if (LABS[place.dataset.lab]) nearby.observe(place);
