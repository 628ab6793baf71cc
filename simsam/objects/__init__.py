"""Chapter 5. From eigenvectors to an object's mask.

`cuts` says where to cut an eigenvector and which side is the object (thresholds and sign rules); `readouts`
are the ways to a score (one cut, a vote of clusterings, one object after the other); `clustering` is K-means;
`edges` are the refinements, which let a mask follow the edges of its photo (`guided` and `models`: the one
that costs little on a photo of any size); `parts` drops specks; `matting` gives soft edges; `confidence` asks
whether a mask is to be trusted.
"""

from simsam.objects.clustering import kmeans
from simsam.objects.confidence import COEFFICIENTS, FOUND, INTERCEPT, confidence_of, evidence, on_grid
from simsam.objects.cuts import SIGNS, THRESHOLDS, border_frame, foreground_sign, threshold
from simsam.objects.edges import REFINEMENTS, dense_crf, guided_filter, guided_models, infer_crf, refine
from simsam.objects.guided import follow_edges, guide_up, reduced, sampling, shrink
from simsam.objects.matting import foreground, soft_alpha
from simsam.objects.models import LinearModels
from simsam.objects.parts import drop_small_parts, large_parts, positive_on
from simsam.objects.readouts import bipartition, centroid_step, cluster_vote, label_vote, maskcut, token_vote
from simsam.objects.readouts import seed_component
