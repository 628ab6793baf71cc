"""SimSAM: object masks and label maps from photos by spectral segmentation, a method that uses no labels.

The front door: `segment` and what it needs. It is lazy, so that `import simsam` costs next to nothing; the
names, with their types, stand in `__init__.pyi`. Chapters have rooms: see their `__init__.py`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
