"""The teaching pack: slides, students' notebooks, handouts, quizzes, figures, all from the book's sources.

`python tools/teaching_pack.py` (or `make teaching`) writes both archives. Begin with `chapters`, which reads
what all the others use; `students`, `gift`, `qti`, `slides`, `handouts` and `figures` each make one thing of
it, and `pack` puts everything together.
"""
