"""What the notebooks draw with; nothing of the package needs it.

`figures` are drawings that several chapters share, `components` that of first components; `pictures` joins a
figure and its alt text; `frames` are figures that move, in a kernel and in a static page; `notebook` shows
source code and the reader's own photo; `claims` tells what holds on the page's features alone; `exercises`
checks a reader's answer, in words; `diagrams` are drawn from no data, and `vectors` shows one as lines.
"""

from simsam.drawing.claims import VARIABLE, begin, expect
from simsam.drawing.components import component_strip
from simsam.drawing.diagrams import block_diagram, paper_and_code_diagram, pipeline_diagram, siamese_diagram
from simsam.drawing.exercises import Wrong, check
from simsam.drawing.figures import PLAIN, SIGNED, forest, heat, panels, principal_colors
from simsam.drawing.frames import choose, explore, live
from simsam.drawing.notebook import own_photo, source
from simsam.drawing.pictures import show
from simsam.drawing.vectors import show_vector
