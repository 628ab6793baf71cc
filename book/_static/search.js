/* The excerpts of the search page show equations as plain text: y^T L y = λ D y, where the page's own HTML has
   \(y^\top L y = \lambda D y\). They are cut out of the page's text, so they cannot be set by MathJax. */

"use strict";

(() => {
  const SIGNS = {
    alpha: "α", beta: "β", kappa: "κ", lambda: "λ", mu: "μ", pi: "π", psi: "ψ", rho: "ρ", sigma: "σ", Sigma: "Σ",
    tau: "τ", top: "T", le: "≤", ge: "≥", ne: "≠", approx: "≈", times: "×", cdot: "·", to: "→", mapsto: "↦",
    leftarrow: "←", infty: "∞", sum: "Σ", in: "∈", cup: "∪", cap: "∩", dots: "…", pm: "±", mid: "|",
  };

  /** LaTeX as a line of plain text; what has no sign of its own keeps its name. */
  function plain(latex) {
    return latex
      .replace(/\\[()[\]]|\$\$|\\(begin|end)\{[^}]*\}|&/g, " ")
      .replace(/\\(?:tfrac|dfrac|frac)\{([^{}]*)\}\{([^{}]*)\}/g, "($1) / ($2)")
      .replace(/\\(mathbf|mathcal|mathrm|operatorname|text|left|right|quad|qquad|bar|big|Big|displaystyle)(?![a-zA-Z])/g, " ")
      .replace(/\\([a-zA-Z]+)/g, (_, name) => SIGNS[name] ?? name)
      .replace(/\\./g, " ")
      .replace(/[{}]/g, "")
      .replace(/\s+/g, " ")
      .trim();
  }

  if (typeof Search === "undefined") return;
  const before = Search.htmlToText;
  Search.htmlToText = (html, anchor) => {
    const page = new DOMParser().parseFromString(html, "text/html");
    // neither the list of contents nor folded code is what a reader looks for
    for (const other of page.querySelectorAll(".onlyprint, #print-main-content, details.hide")) other.remove();
    for (const math of page.querySelectorAll(".math")) math.textContent = plain(math.textContent);
    return before(page.documentElement.outerHTML, anchor);
  };
})();
