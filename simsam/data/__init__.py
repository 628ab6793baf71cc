"""Photos, masks and data sets as files: what is read, what is written, and what ships with the package.

`images` reads any photo as an array (`decoding`: any file, or a sentence; `depth`: any number of bits),
`listing` finds photos in folders; `datasets` names the benchmarks (`layouts` says how each lies on disk),
`samples`, `pairs` and `masks` serve it, and `predictions` finds and reads the masks of any tool; `cutouts`
are the composed images that ship with the package; `files` writes whole files or none; `overlay` and
`exports` make pictures of masks and label maps.
"""

from simsam.data.cutouts import CLASSES, Cutout, load_cutouts
from simsam.data.datasets import DATASETS, TASKS, open_dataset
from simsam.data.decoding import HEIC, local_path
from simsam.data.exports import example, label_colors, label_sheet, write_labels
from simsam.data.files import atomic_write, check_target, clear_strays, make_folder, output_folder
from simsam.data.files import write_json, write_png
from simsam.data.images import ImageSource, header_shape, load_image, load_layers
from simsam.data.listing import RECORD, is_image_name, list_images, placed_folders, skipped
from simsam.data.layouts import CAMVID_CLASSES
from simsam.data.masks import VOID, box_of, check_mask, read_mask
from simsam.data.overlay import overlay_labels, overlay_mask
from simsam.data.predictions import find_masks, range_of, read_levels, read_values
from simsam.data.samples import Dataset, Sample, as_samples
from simsam.data.version import REPOSITORY, __version__, code_version
