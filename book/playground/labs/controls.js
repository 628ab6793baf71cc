/* What the labs are made of beside elements.js: labelled form controls, drawings, and sentences that are read out. */

import { made, say } from "../elements.js";

const SVG = "http://www.w3.org/2000/svg";

/** `made` for a drawing: all properties are attributes. */
export function drawn(tag, properties = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(properties)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** A line that is read out when it changes. */
export function liveLine() {
  return made("p", { className: "lab-said", "aria-live": "polite" });
}

export function percent(share, digits = 0) {
  return `${(100 * share).toFixed(digits)} %`;
}

/** A slider with its label and its value in words: {element, input, show(value)}. `id` names the input. */
export function slider(id, label, range, words, moved) {
  const input = made("input", { type: "range", id, ...range });
  const output = made("output", { for: id });
  const show = (value) => {
    input.value = value;
    say(output, words(Number(input.value)));
    input.setAttribute("aria-valuetext", words(Number(input.value)));
  };
  input.addEventListener("input", () => {
    show(input.value);
    moved(Number(input.value));
  });
  show(range.value);
  const name = made("label", { for: id }, label, " ");
  return { element: made("div", { className: "lab-slider" }, name, output, input), input, show };
}

/** A list to choose from, with its label: {element, input}. `options`: [[value, words], ...]. */
export function choice(id, label, options, value, chosen) {
  const input = made("select", { id }, ...options.map(([of, words]) => made("option", { value: of }, words)));
  input.value = value;
  input.addEventListener("change", () => chosen(input.value));
  return { element: made("div", { className: "lab-choice" }, made("label", { for: id }, label, " "), input), input };
}

/** A box to tick, with its label: {element, input}. */
export function tick(id, label, checked, changed) {
  const input = made("input", { type: "checkbox", id, checked });
  input.addEventListener("change", () => changed(input.checked));
  return { element: made("label", { className: "lab-tick", for: id }, input, " ", label), input };
}

export function button(label, pressed) {
  const element = made("button", { type: "button" }, label);
  element.addEventListener("click", pressed);
  return element;
}

/** A picture with a caption above it. */
export function pictured(caption, ...children) {
  return made("figure", {}, made("figcaption", {}, caption), ...children);
}

/** A canvas that says what it shows: `describe` it each time it is painted. */
export function canvasFor(kind) {
  return made("canvas", { role: "img", className: kind });
}
