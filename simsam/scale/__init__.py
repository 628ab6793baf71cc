"""Chapter 10. Many photos: in batches, on several processes, again after a stop, and what each stage costs.

`batches` reads photos ahead and groups them by grid; `cache` keeps features on disk; `journal` is how a
stopped evaluation goes on; `distributed` shares work between processes; `folder` takes many photos through
the pipeline (`photos`: a folder of them, in one call of Python), `naming` names what is made of each, and
`record` says of each file what made it (so a stopped run goes on there); `timing` times the stages, beside
the `yardsticks` of the released code.
"""

from simsam.scale import distributed
from simsam.scale.batches import Item, Options, each, grid_batches, read_batches
from simsam.scale.cache import clock, extract_kinds
from simsam.scale.distributed import gather, launch, process_group, rank, share, world
from simsam.scale.folder import run_folder
from simsam.scale.journal import Journal, keep_journal
from simsam.scale.naming import output_names
from simsam.scale.photos import segment_folder
from simsam.scale.record import Record, digest_of, making
from simsam.scale.timing import STAGES, TOKENS, benchmark, machine
from simsam.scale.yardsticks import released_eigensolve, released_loop
