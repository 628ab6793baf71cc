"""Chapter 2. The Siamese head: two views of one token grid, a projector and a predictor, no negatives.

`head` holds the loss and its two solutions, by SGD and in closed form; `views` the affine views. `fast` is
speed alone and may be skipped: the equations stand in `head`.
"""

from simsam.siamese.fast import full_width
from simsam.siamese.head import Head, HeadResult, Layers, init_head, siamese_loss, train_head
from simsam.siamese.head import closed_form_head, solve_predictor
from simsam.siamese.views import ViewRange, apply_views, random_affine
