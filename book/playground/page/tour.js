/* The guided tour: a panel that sets a state at each step, names the view to look at, and says what to see. */

import { made, say } from "../elements.js";
import { TOUR } from "./steps.js";

/** Make the tour in `panel`; `go(step)` hears where the reader wants to be, null for the end.
    Returns {show(step), arrive()}. */
export function makeTour(panel, root, go) {
  const start = made("button", { type: "button" }, `Take the tour, ${TOUR.length} steps`);
  const back = made("button", { type: "button" }, "← Back");
  const next = made("button", { type: "button", className: "pg-main" }, "Next →");
  const end = made("button", { type: "button" }, "End");
  const title = made("strong", {}), text = made("span", {}), link = made("a", {});
  const words = made("p", { "aria-live": "polite" }, title, " ", text, " ", link);
  const running = made("div", { className: "pg-step", hidden: true }, words, made("div", {}, back, next, end));
  panel.append(start, running);
  let now = null, wanted = null;

  const move = (by) => () => go(Math.max(0, Math.min(TOUR.length - 1, now + by)));
  start.addEventListener("click", () => {
    go(0);
    next.focus();
  });
  back.addEventListener("click", move(-1));
  next.addEventListener("click", () => (now === TOUR.length - 1 ? finish() : move(1)()));
  end.addEventListener("click", finish);
  panel.addEventListener("keydown", (event) => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (now === null || !by) return;
    event.preventDefault();
    move(by)();
  });

  function finish() {
    go(null);
    start.focus();
  }

  function show(step) {
    const moved = step !== now;
    now = step;
    const at = TOUR[step];
    start.hidden = Boolean(at);
    running.hidden = !at;
    panel.classList.toggle("pg-touring", Boolean(at));
    for (const figure of root.querySelectorAll("[data-view]")) {
      const looked = at?.look.includes(figure.dataset.view) ?? false;
      figure.classList.toggle("pg-looked", looked);
    }
    for (const input of root.querySelectorAll(".pg-row [name]")) {
      input.closest(".pg-row").classList.toggle("pg-looked", Boolean(at) && input.name === at.move);
    }
    if (!at) return;
    say(title, `${step + 1} of ${TOUR.length}. ${at.title}${at.title.endsWith("?") ? "" : "."}`);
    say(text, at.text);
    Object.assign(link, { href: `../notebooks/${at.chapter[0]}.html`, textContent: `Read ${at.chapter[1]}.` });
    back.disabled = step === 0;
    say(next, step === TOUR.length - 1 ? "Finish" : "Next →");
    if (moved) wanted = root.querySelector(`[data-view=${at.look[0]}]`);
  }

  /** Bring what is looked at into sight: once the new pictures have their shapes. */
  function arrive() {
    wanted?.scrollIntoView({ block: "nearest" });
    wanted = null;
  }

  return { show, arrive };
}
