/* A quiz that answers. The page holds each question as plain HTML,

       <p><strong>Question 1.</strong> The question?</p>
       <details><summary>A. An answer</summary> Why it is wrong. </details>
       <details class="right"><summary>B. Another</summary> Why it is right. </details>

   which works without this script: each answer unfolds. Here a question becomes a group of buttons, and a line
   under the last one counts. Nothing is stored, nothing is sent; a reload starts anew. Elements are moved, never
   copied, so that equations stay as MathJax set them. */

"use strict";

(() => {
  const QUESTION = /^Question \d+\.$/;

  /** What follows a question's first paragraph: more of the question, then its answers. */
  function parts(first) {
    const more = [], answers = [];
    for (let next = first.nextElementSibling; next; next = next.nextElementSibling) {
      if (next.matches("details")) answers.push(next);
      else if (answers.length || asks(next) || !next.matches("p, div, ul, ol, table")) break;
      else more.push(next);
    }
    return { more, answers };
  }

  function asks(element) {
    const mark = element.matches("p") && element.firstElementChild;
    return mark && mark.matches("strong") && QUESTION.test(mark.textContent.trim());
  }

  function made(tag, properties = {}, ...children) {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  }

  /** One question as a fieldset; `told(tries, right)` hears of every answer. */
  function question(first, more, answers, told) {
    const said = made("div", { className: "quiz-said" });
    said.setAttribute("aria-live", "polite");
    let tries = 0;
    const buttons = answers.map((answer) => {
      const summary = answer.querySelector("summary");
      const label = summary.querySelector("p") ?? summary;
      const button = made("button", { type: "button", className: "quiz-answer" }, ...label.childNodes);
      summary.remove();
      const why = [...answer.childNodes];
      const right = answer.classList.contains("right");
      button.setAttribute("aria-pressed", "false");
      button.addEventListener("click", () => {
        for (const other of buttons) other.setAttribute("aria-pressed", String(other === button));
        button.dataset.answer = right ? "right" : "wrong";
        said.dataset.answer = button.dataset.answer;
        said.replaceChildren(...why);
        tries += 1;
        told(tries, right);
      });
      return button;
    });
    const legend = made("legend", {}, ...first.childNodes);
    const box = made("fieldset", { className: "quiz" }, legend);
    first.replaceWith(box);
    box.append(...more, ...buttons, said);
    answers.forEach((answer) => answer.remove());
    return box;
  }

  function counted(states) {
    const right = states.filter((state) => state.found).length;
    const text = `${right} of ${states.length} right`;
    if (right < states.length) return `${text}.`;
    return `${text}, ${states.filter((state) => state.atOnce).length} at the first try.`;
  }

  const firsts = [...document.querySelectorAll("article p")].filter(asks);
  const questions = firsts
    .map((first) => ({ first, ...parts(first) }))
    .filter(({ answers }) => answers.filter((answer) => answer.matches(".right")).length === 1);
  const states = questions.map(() => ({ found: false, atOnce: false }));
  const score = made("p", { className: "quiz-score" });
  score.setAttribute("role", "status");
  const boxes = questions.map(({ first, more, answers }, at) =>
    question(first, more, answers, (tries, right) => {
      states[at].found ||= right;
      states[at].atOnce ||= right && tries === 1;
      score.textContent = counted(states);
    }),
  );
  if (boxes.length) boxes.at(-1).after(score);

  // MathJax makes every equation a stop of the Tab key; inside a button, which is one already, it must not be
  addEventListener("load", () =>
    window.MathJax?.startup?.promise?.then(() => {
      for (const inner of document.querySelectorAll(".quiz-answer [tabindex]")) inner.removeAttribute("tabindex");
    }),
  );
})();
