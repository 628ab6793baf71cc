"""Chapter 7. The whole pipeline: a `Recipe` holds every setting, `segment` runs it on photos.

`recipes` are the settings and the named recipes, a paper each; `settings` checks and parses them; `stages`
runs the stages one after the other; a `result` makes pictures of what it holds (`outputs`). The door is lazy:
recipes need no torch.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
