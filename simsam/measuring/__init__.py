"""Chapter 8. How good is a mask, and how sure is that: metrics, intervals, runs over a data set.

`metrics` are the numbers of one image, `statistics` the bootstrap over images; `run` (objects) and `semantic`
(label maps) measure a recipe on a data set, `rows` is the loop below `run`; `others` measures masks that any
tool made; `comparisons` takes paired differences; `selective` asks whether a confidence knows which masks
fail, `diagnosing` a backbone what its tokens betray; `results` reads the committed tables.
"""

from simsam.measuring import metrics
from simsam.measuring.comparisons import compare, heading, title, weights_of
from simsam.measuring.diagnosing import Diagnosis, diagnose
from simsam.measuring.metrics import accuracy, iou
from simsam.measuring.others import MISSING, evaluate_masks
from simsam.measuring.results import baseline_of, gained, list_results, load_results, measured, pick, reported
from simsam.measuring.results import measured_backbones, measured_on, sentence, table, verdict
from simsam.measuring.run import evaluate, run_recipes
from simsam.measuring.selective import auroc, auroc_of, kept_mean, kept_mean_of, redrawn
from simsam.measuring.semantic import default_recipe, evaluate_semantic
from simsam.measuring.statistics import bootstrap_interval, paired_difference, paired_miou_of_runs
