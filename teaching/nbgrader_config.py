"""Settings of nbgrader for the teacher's notebooks: copy this file into the folder of the course."""

from nbconvert.preprocessors import TagRemovePreprocessor

c = get_config()  # noqa: F821 (traitlets gives it to every file of settings)

# A cell of the book takes seconds, and on a busy machine a minute.
c.Execute.timeout = 600

# What to write stands in the cell already. An error there would stop a notebook that runs from top to bottom.
c.ClearSolutions.code_stub = {"python": ""}

# The plan of the lesson is for the teacher.
c.GenerateAssignment.preprocessors.prepend([TagRemovePreprocessor])
c.TagRemovePreprocessor.enabled = True
c.TagRemovePreprocessor.remove_cell_tags = {"teacher"}
