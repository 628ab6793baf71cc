"""Diagrams that are drawn from no data: one file a diagram, each gives (figure, alt text)."""

from simsam.drawing.diagrams.block import block_diagram
from simsam.drawing.diagrams.paper_and_code import paper_and_code_diagram
from simsam.drawing.diagrams.pipeline import pipeline_diagram
from simsam.drawing.diagrams.siamese import siamese_diagram
