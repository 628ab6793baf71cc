/* Chapter 8: five images are drawn again and again, and the means pile up. */

import { figure, made, say } from "../elements.js";
import { Generator, uniform } from "../random.js";
import { binned, histogram } from "./chart.js";
import { button, liveLine, pictured, tick } from "./controls.js";

const BETWEEN = [0.025, 0.975]; // the interval holds the middle 95 of every 100 means
const HALF = 0.4; // so far the histogram reaches to either side of the mean

/** The lab; see start.js. `data.first` and `data.second`: IoUs of two methods on the same images, as the chapter's
 * cells have them. */
export function bootstrapLab(id, data) {
  const [first, second] = [data.first, data.second].map((listed) => listed.split(" ").map(Number));
  const now = { paired: true, difference: false };
  let generator, means;
  const chart = made("div"), list = made("p", { className: "lab-drawn" }), said = liveLine();
  const difference = tick(`${id}-difference`, "difference of the two methods", false, (value) =>
    restart({ difference: value }));
  const paired = tick(`${id}-paired`, "in pairs: both methods on the same drawn images", true, (value) =>
    restart({ paired: value }));

  function restart(changes) {
    Object.assign(now, changes);
    generator = new Generator(0);
    means = [];
    paired.input.disabled = !now.difference;
    say(list, "Nothing is drawn yet.");
    show();
  }

  function draw(times) {
    for (let i = 0; i < times; i++) {
      const which = drawnImages(first.length, generator);
      const others = now.paired ? which : drawnImages(first.length, generator);
      const mean = meanOf(which.map((k) => first[k])), other = meanOf(others.map((k) => second[k]));
      means.push(now.difference ? mean - other : mean);
      say(list, drawnInWords(which, others, means.at(-1)));
    }
    show();
  }

  const drawnInWords = (which, others, mean) => {
    const numbers = (places) => places.map((k) => k + 1).join(", ");
    const apart = now.difference && !now.paired ? `; for the second method ${numbers(others)}` : "";
    const what = now.difference ? "difference" : "mean";
    return `Last drawing: images ${numbers(which)}${apart}; ${what} ${figure(mean, 3)}.`;
  };

  function show() {
    const middle = now.difference ? meanOf(first) - meanOf(second) : meanOf(first);
    const ends = [middle - HALF, middle + HALF], marks = [{ value: middle, name: "mean", kind: "lab-level" }];
    const found = means.length ? BETWEEN.map((q) => quantileOf(means, q)) : null;
    if (found) marks.push(...found.map((value) => ({ value, name: "", kind: "lab-mark" })));
    const drawing = histogram(binned(means, ...ends, 64), ends, marks, 2);
    const reach = `from ${figure(ends[0])} to ${figure(ends[1])}`;
    drawing.setAttribute("aria-label", `Histogram of ${means.length} means, ${reach}.`);
    chart.replaceChildren(drawing);
    const what = now.difference ? "The difference" : "The first method’s mean";
    say(said, `${what} is ${figure(middle)}.${found ? intervalInWords(found) : ""}`);
  }

  function intervalInWords([low, high]) {
    const clear = low > 0 || high < 0 ? ", clear of 0" : ", around 0";
    const wide = `${figure(high - low)} wide${now.difference ? clear : ""}`;
    return ` Drawings: ${means.length}. The interval is ${figure(low)} to ${figure(high)}, ${wide}.`;
  }

  restart({});
  const lab = made("div", { "aria-label": "Lab: the bootstrap" });
  lab.append(
    made("div", { className: "lab-controls" }, difference.element, paired.element),
    made("div", { className: "lab-buttons" },
      button("Draw once", () => draw(1)),
      button("100 more", () => draw(100)),
      button("Begin again", () => restart({}))),
    list,
    pictured("means of the drawn images", chart),
    said,
  );
  return lab;
}

/** As many images as there are, drawn with replacement. */
function drawnImages(count, generator) {
  return Array.from(uniform(count, generator), (u) => Math.min(count - 1, Math.floor(u * count)));
}

function meanOf(numbers) {
  return numbers.reduce((sum, x) => sum + x, 0) / numbers.length;
}

/** Between two neighbours a straight line, as numpy.quantile has it. */
function quantileOf(numbers, q) {
  const sorted = [...numbers].sort((a, b) => a - b), place = q * (sorted.length - 1), below = Math.floor(place);
  const above = Math.min(sorted.length - 1, below + 1);
  return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
}
