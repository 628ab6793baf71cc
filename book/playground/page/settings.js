/* What the reader can set, as one table: from it come the form, the address, and the list of what changed.
   Names and values are those of `Recipe` (simsam/pipeline/recipes.py). */

const word = (value, text = String(value)) => ({ value, text });
const words = (...values) => values.map((value) => word(value));

/* A field: name; label; kind "choice" or "range"; `when`, whether the other settings let it act; `idle`, said
   where they do not. A stage: its chapter, and its fields. */
export const STAGES = [
  {
    title: "Features",
    chapter: ["01_features", "chapter 1"],
    fields: [
      {
        name: "tokens",
        label: "Tokens",
        options: [word("output", "output"), word("keys", "keys, last block")],
      },
    ],
  },
  {
    title: "Siamese head",
    chapter: ["02_siamese_head", "chapter 2"],
    fields: [
      {
        name: "head",
        label: "Head",
        options: [
          word("none"),
          word("untrained"),
          word("closed_form", "closed form"),
          word("sgd", "trained (SGD)"),
        ],
        when: (s) => s.graph === "similarity",
        idle: "for edges by similarity",
      },
      {
        name: "epochs",
        label: "Epochs",
        options: words(1, 2, 5, 10, 20),
        when: (s) => s.head === "sgd" && s.graph === "similarity",
        idle: "for the trained head",
      },
    ],
  },
  {
    title: "Graph",
    chapter: ["03_affinity", "chapter 3"],
    fields: [
      {
        name: "graph",
        label: "Edges",
        options: [word("similarity", "similarity"), word("binary", "1 above τ"),
          word("cosine", "cosine above τ")],
      },
      {
        name: "tau",
        label: "Threshold τ",
        range: [-0.2, 1, 0.05],
        when: (s) => s.graph !== "similarity",
        idle: "for edges by threshold",
      },
      {
        name: "offset",
        label: "Offset c",
        options: [
          word("none"),
          word("mean", "mean cosine"),
          word("max/3", "a third of the max."),
          word("quantile:0.5", "median"),
          word("quantile:0.8", "80th percentile"),
        ],
        when: (s) => s.graph === "similarity",
        idle: "for edges by similarity",
      },
      {
        name: "kappa",
        label: "Head’s weight κ",
        range: [0, 2, 0.05],
        when: (s) => s.head !== "none" && s.graph === "similarity",
        idle: "choose a head first",
      },
      {
        name: "floor",
        label: "Floor",
        options: [word(0, "0"), word(1e-5, "0.00001"), word(1e-3, "0.001"), word(0.01), word(0.1)],
      },
    ],
  },
  {
    title: "Eigenvectors",
    chapter: ["04_eigenvectors", "chapter 4"],
    fields: [
      {
        name: "laplacian",
        label: "Laplacian",
        options: [
          word("normalized", "normalised"),
          word("unnormalized", "not normalised"),
          word("affinity", "none: W itself"),
        ],
      },
      { name: "k", label: "How many", range: [2, 12, 1] },
    ],
  },
  {
    title: "Object",
    chapter: ["05_object", "chapter 5"],
    fields: [
      {
        name: "readout",
        label: "Readout",
        options: [word("vote", "vote of clusterings"), word("fiedler", "2nd eigenvector")],
      },
      {
        name: "clusters",
        label: "Clusters",
        options: [
          word([3, 4, 5, 6], "3, 4, 5 and 6"),
          ...[2, 3, 4, 5, 6].map((k) => word([k], String(k))),
        ],
        when: (s) => s.readout === "vote",
        idle: "for a vote",
      },
      {
        name: "threshold",
        label: "Cut at",
        options: [
          word("zero"),
          word("mean"),
          word("otsu", "Otsu’s threshold"),
          word("ncut", "least normalised cut"),
          word("two_means", "two means"),
        ],
        when: (s) => s.readout === "fiedler",
        idle: "for one eigenvector",
      },
      {
        name: "sign",
        label: "Object side",
        options: [
          word("border", "less of the border"),
          word("minority", "the smaller"),
          word("peak", "the largest entry"),
        ],
        when: (s) => s.readout === "fiedler",
        idle: "for one eigenvector",
      },
      {
        name: "centroid",
        label: "Centroid",
        options: [word(0, "no step"), word(1, "1 step"), word(2, "2 steps"), word(3, "3 steps")],
      },
      { name: "margin", label: "Margin", range: [-0.5, 1, 0.05] },
    ],
  },
];

export const FIELDS = STAGES.flatMap((stage) => stage.fields);

/** Whether two values of a setting are the same; a list is compared entry by entry. */
export function sameValue(a, b) {
  return String(a) === String(b);
}

/** A value in words, as its control shows it. */
export function valueText(field, value) {
  const option = field.options?.find((one) => sameValue(one.value, value));
  if (option) return option.text;
  return Array.isArray(value) ? value.join(", ") : String(value).replace("-", "−");
}

/** The value that an address or a form holds as text; undefined where the field does not take it. */
export function parsedValue(field, text) {
  if (field.options) return field.options.find((one) => String(one.value) === text)?.value;
  const value = Number(text), [low, high] = field.range;
  return text !== "" && value >= low && value <= high ? value : undefined;
}

/** Which settings differ from their preset: [field, before, now] each. */
export function changedSettings(settings, preset) {
  return FIELDS.filter((field) => !sameValue(settings[field.name], preset[field.name])).map((field) => [
    field,
    valueText(field, preset[field.name]),
    valueText(field, settings[field.name]),
  ]);
}
