"""Chapter 6. Label maps of a whole collection: regions that look alike share a label.

`recipes` are the settings; `regions` cuts one photo into regions, `describing` keeps their embeddings;
`collection` clusters those of all photos; `labelmaps` takes labels to the pixels. `fitting` guesses from the
photos which recipe fits.
"""

from simsam.semantics import regions
from simsam.semantics.collection import Collection, check_classes, cluster_embeddings, segment_collection
from simsam.semantics.fitting import fitting_recipe
from simsam.semantics.labelmaps import hard_labels, refine_labels, upsample_labels
from simsam.semantics.recipes import SEMANTIC_RECIPES, SemanticRecipe, get_semantic_recipe
from simsam.semantics.regions import MOST_REGIONS, eigen_regions, eigengap
