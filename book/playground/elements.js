/* What the page and the labs make their elements with. */

/** An element with properties and children; a property with a hyphen, `role` or `for` is an attribute. */
export function made(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes("-") || name === "role" || name === "for") element.setAttribute(name, value);
    else element[name] = value;
  }
  element.append(...children);
  return element;
}

/** Set an element's text only if it changes: a live region would be read out again. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** A number as the book prints it, with a true minus. */
export function figure(value, digits = 2) {
  return Number.isFinite(value) ? value.toFixed(digits).replace("-", "−") : "none";
}
