// A deck: MathJax sets the equations, what is too large is set smaller, and reveal.js shows the slides. Nothing here
// asks for anything from elsewhere, so a deck works from a folder, without a network.

const LEAST = { text: 28, code: 22, equation: 28 }; // pixels of 720

MathJax = {
  chtml: { matchFontHeight: false },
  options: { enableMenu: false, ignoreHtmlClass: "notes" },
  tex: { inlineMath: [["\\(", "\\)"]], displayMath: [["\\[", "\\]"]] },
  startup: { pageReady: () => MathJax.startup.defaultPageReady().then(begin) },
};

async function begin() {
  document.documentElement.classList.add("fitting");
  document.querySelectorAll(".slides > section").forEach(fit);
  document.documentElement.classList.remove("fitting");
  document.querySelectorAll(".moving").forEach(letGo);
  Reveal.on("pdf-ready", () => (window.printable = true)); // told to what prints a deck
  await Reveal.initialize({
    width: 1280,
    height: 720,
    margin: 0,
    maxScale: 4,
    center: false,
    controls: false,
    display: "flex",
    hash: true,
    pdfMaxPagesPerSlide: 1,
    pdfSeparateFragments: false,
    plugins: [RevealNotes],
    transition: "none",
    keyboard: { 38: () => step(-1), 40: () => step(1) }, // up and down, see step
  });
}

// Smaller steps of text until the slide holds what it shows; a test holds that the least size is enough.
function fit(section) {
  const body = section.querySelector(".shown");
  const shrink = (element, least, tooLarge) => {
    let size = parseFloat(getComputedStyle(element).fontSize);
    while (size > least && tooLarge()) element.style.fontSize = `${(size -= 1)}px`;
  };
  const all = (kind) => section.querySelectorAll(kind);
  for (const equation of all(".equation"))
    shrink(equation, LEAST.equation, () => equation.scrollWidth > equation.clientWidth);
  for (const code of all("pre")) {
    shrink(code, LEAST.code, () => longest(code) > 0);
    if (longest(code) > 0) code.style.fontSize = `${LEAST.text}px`; // sentences: their lines may break
  }
  const overfull = () => body.scrollHeight > body.clientHeight + 1 || cramped(section);
  for (const code of all("pre")) shrink(code, LEAST.code, overfull);
  for (const equation of all(".equation")) shrink(equation, LEAST.equation, overfull);
  shrink(section, LEAST.text, overfull);
}

// By how many pixels the longest line of a listing is too long.
function longest(code) {
  const lines = document.createRange(), style = getComputedStyle(code);
  lines.selectNodeContents(code);
  const room = code.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
  return lines.getBoundingClientRect().width - room - 0.5;
}

// A picture below a third of the slide's height had better get more room, if it would take it.
function cramped(section) {
  return [...section.querySelectorAll(".shown:not(.beside) .picture")].some((box) => box.clientHeight < 240);
}

// The slider takes the arrow keys only while the keyboard is on it (Tab); any other key, and the end of a drag with
// the mouse, give them back to the deck.
function letGo(figure) {
  const slider = figure.querySelector("input");
  const own = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End", "Tab", "Shift"];
  slider.addEventListener("keydown", (event) => own.includes(event.key) || slider.blur());
  figure.addEventListener("pointerup", () => setTimeout(() => slider.blur()));
  figure.addEventListener("click", () => setTimeout(() => slider.blur()));
}

// Up and down: the next frame, over a grid the place above or below; of a tall picture the upper and the lower half.
function step(by) {
  if (Reveal.isOverview()) return by < 0 ? Reveal.up() : Reveal.down();
  const tall = Reveal.getCurrentSlide().querySelector(".tall");
  if (tall) tall.dataset.part = Math.min(2, Math.max(0, +(tall.dataset.part ?? 0) + by));
  const slider = Reveal.getCurrentSlide().querySelector(".moving input");
  if (!slider) return;
  const columns = slider.closest(".frames").dataset.cols;
  const to = +slider.value + (columns ? by * columns : by);
  if (to < 0 || to > +slider.max) return;
  slider.value = to;
  slider.dispatchEvent(new Event("input"));
}
