/* The steps of the guided tour, chapter by chapter. `state`: photo, preset (spectral unless given), patch, and what
   differs from the preset; `look`: the views to look at; `move`: the setting to move, if any. The text says in two or
   three sentences what is to be seen, and what it says holds on the book's default features. */

const ONE_CUT = { readout: "fiedler", threshold: "zero", sign: "border", centroid: 0, margin: 0 };

export const TOUR = [
  {
    title: "Patches that are alike",
    text:
      "The transformer turned each patch of the photo into a vector. The map “Its similarity” shows how much " +
      "every patch is like the one in the frame: choose others and see the cup light up, or the table.",
    state: { photo: "coffee", patch: [11, 14] },
    look: ["photo", "row"],
    chapter: ["01_features", "chapter 1"],
  },
  {
    title: "Other features",
    text:
      "Now the vector of each patch is its key in the network’s last block instead of the network’s output. " +
      "Nothing else has changed, but the map has: go back and forth, and compare.",
    state: { photo: "coffee", patch: [11, 14], tokens: "keys" },
    look: ["row", "eigenvectors"],
    chapter: ["01_features", "chapter 1"],
  },
  {
    title: "A head for one photo",
    text:
      "A small network, fitted to this photo alone, gives each patch a second vector; κ is the weight of their " +
      "similarities. Move κ up from 0: the badge becomes like the suit, and fades from y₂. The mask stays.",
    state: { photo: "astronaut", preset: "simsam", kappa: 0, patch: [20, 9] },
    look: ["row", "eigenvectors"],
    move: "kappa",
    chapter: ["02_siamese_head", "chapter 2"],
  },
  {
    title: "A graph of everything",
    text:
      "Without an offset, patches that are only a little alike are joined too. So between its bright blocks the " +
      "matrix, whose patches stand in the order of the second eigenvector, is seldom quite dark.",
    state: { photo: "astronaut", offset: "none", patch: [8, 13] },
    look: ["matrix", "row"],
    chapter: ["03_affinity", "chapter 3"],
  },
  {
    title: "What an offset does",
    text:
      "We subtract the mean cosine, and set to 0 what is then negative. Patches that are no more alike than " +
      "most are no longer joined: the blocks stay, and between them it is dark.",
    state: { photo: "astronaut", offset: "mean", patch: [8, 13] },
    look: ["matrix", "row"],
    chapter: ["03_affinity", "chapter 3"],
  },
  {
    title: "The second eigenvector",
    text:
      "Of all ways to put the patches on a line so that strongly joined ones lie close together, this is the " +
      "best. The cup lies at one end and the table at the other.",
    state: { photo: "coffee", patch: [11, 14] },
    look: ["eigenvectors", "points"],
    chapter: ["04_eigenvectors", "chapter 4"],
  },
  {
    title: "Another matrix",
    text:
      "Here are eigenvectors of the Laplacian that is not divided by the degrees. It likes to part small pieces " +
      "from all the rest: compare the maps, one by one, with those of the normalised Laplacian.",
    state: { photo: "cat", laplacian: "unnormalized", patch: [9, 12] },
    look: ["eigenvectors", "mask"],
    chapter: ["04_eigenvectors", "chapter 4"],
  },
  {
    title: "Which side is the object?",
    text:
      "An eigenvector has no sign, so a rule must choose a side, and here it takes the smaller one: the table. " +
      "Choose “less of the border” under Object side, and the cup comes back.",
    state: { photo: "coffee", ...ONE_CUT, sign: "minority", patch: [11, 14] },
    look: ["mask", "score"],
    move: "sign",
    chapter: ["05_object", "chapter 5"],
  },
  {
    title: "A step in feature space",
    text:
      "The cut of one eigenvector leaves a seam of background around the pelican. Set Centroid to 1 step: each " +
      "patch then goes to the side whose mean vector it is closer to, and the IoU grows.",
    state: { photo: "pelican", ...ONE_CUT, patch: [10, 14] },
    look: ["mask", "score"],
    move: "centroid",
    chapter: ["05_object", "chapter 5"],
  },
  {
    title: "Several clusterings vote",
    text:
      "Here K-means groups the patches by their eigenvectors several times, and each grouping votes for the groups " +
      "that keep away from the border. This is the book’s own readout: try it on the other photos.",
    state: { photo: "astronaut", preset: "simsam", patch: [8, 13] },
    look: ["points", "score", "mask"],
    chapter: ["05_object", "chapter 5"],
  },
];
