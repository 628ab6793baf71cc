// A handout: MathJax sets the equations, then the text becomes smaller until everything stands on the page.

const LEAST = 9; // points; a test holds that it is enough

MathJax = {
  chtml: { matchFontHeight: false },
  options: { enableMenu: false },
  tex: { inlineMath: [["\\(", "\\)"]], displayMath: [["\\[", "\\]"]] },
  startup: { pageReady: () => MathJax.startup.defaultPageReady().then(fit) },
};

function fit() {
  const page = document.querySelector("main");
  let size = 11;
  const full = () => page.scrollHeight > page.clientHeight + 1 || page.scrollWidth > page.clientWidth + 1;
  while (full() && size > LEAST) document.documentElement.style.fontSize = `${(size -= 0.25)}pt`;
  window.ready = true;
}
