/* The form: one group of controls a stage, made from the table of settings. */

import { made, say } from "../elements.js";
import { FIELDS, STAGES, parsedValue, sameValue, valueText } from "./settings.js";

/** Fill `form`; `changed(name, value)` hears of every move.
    Returns {show(settings)}, which sets every control. */
export function makeControls(form, changed) {
  const rows = new Map();
  for (const stage of STAGES) {
    const [page, chapter] = stage.chapter;
    const link = made("a", { href: `../notebooks/${page}.html`, className: "pg-chapter" }, chapter);
    link.setAttribute("aria-label", `${stage.title}: read ${chapter}`);
    const group = made("fieldset", { className: "pg-stage" }, made("legend", {}, made("span", {}, stage.title), link));
    for (const field of stage.fields) {
      const row = field.options ? choiceRow(field, changed) : rangeRow(field, changed);
      rows.set(field.name, row);
      group.append(row.element);
    }
    form.append(group);
  }
  form.addEventListener("submit", (event) => event.preventDefault());
  return {
    show(settings) {
      for (const field of FIELDS) {
        const row = rows.get(field.name);
        const acts = !field.when || field.when(settings);
        row.set(settings[field.name]);
        row.input.disabled = !acts;
        row.element.classList.toggle("pg-idle", !acts);
        row.element.title = acts ? "" : field.idle;
        say(row.note, row.element.title);
      }
    },
  };
}

function rowOf(field, input, ...more) {
  const id = `pg-${field.name}`;
  const note = made("span", { className: "pg-note", id: `${id}-note` });
  Object.assign(input, { id, name: field.name, autocomplete: "off" });
  input.setAttribute("aria-describedby", note.id);
  const label = made("label", { htmlFor: id }, field.label);
  return { input, note, element: made("div", { className: "pg-row" }, label, input, ...more, note) };
}

function choiceRow(field, changed) {
  const options = field.options.map(({ value, text }) => made("option", { value: String(value) }, text));
  const row = rowOf(field, made("select", {}, ...options));
  row.input.addEventListener("change", () => changed(field.name, parsedValue(field, row.input.value)));
  row.set = (value) => {
    row.input.querySelector("[data-own]")?.remove();
    if (!field.options.some((one) => sameValue(one.value, value))) {
      // a preset may hold a value that the list does not offer
      row.input.append(made("option", { value: String(value), "data-own": "" }, valueText(field, value)));
    }
    row.input.value = String(value);
  };
  return row;
}

function rangeRow(field, changed) {
  const [min, max, step] = field.range;
  const told = made("output", {});
  const row = rowOf(field, made("input", { type: "range", min, max, step }), told);
  row.element.classList.add("pg-range");
  told.htmlFor = row.input.id;
  row.input.addEventListener("input", () => {
    say(told, valueText(field, Number(row.input.value)));
    changed(field.name, Number(row.input.value));
  });
  row.set = (value) => {
    if (Number(row.input.value) !== value) row.input.value = value;
    say(told, valueText(field, value));
  };
  return row;
}
