"""A quiz in GIFT, the text format that Moodle imports: questions as HTML, a reason beside each answer.

Moodle reads a backslash before one of `~ = # { } :` as that sign, `\\n` as a new line and `\\\\` as a
backslash, so every backslash of LaTeX is doubled. It takes files whose name ends in `.txt`.
"""

from __future__ import annotations

import re

from .chapters import Chapter, Question
from .prose import inline


def gift(chapter: Chapter) -> str:
    """The quiz of a chapter, in a category of its own."""
    head = [
        f"// {chapter.title}: the quiz of SimSAM, the book (CC BY 4.0)",
        f"$CATEGORY: $course$/top/SimSAM/{chapter.title.replace('/', '//')}",
    ]
    return "\n\n".join(head + [_question(chapter, question) for question in chapter.quiz()]) + "\n"


def _question(chapter: Chapter, question: Question) -> str:
    answers = [
        f"{'=' if answer.right else '~'}{_escaped(answer.text)}#{_escaped(answer.explanation)}"
        for answer in question.answers
    ]
    name = f"{chapter.name}, question {question.number}"
    return "\n".join([f"::{name}::[html]{_escaped(question.text)}{{", *answers, "}"])


def _escaped(text: str) -> str:
    return re.sub(r"([\\~=#{}:])", r"\\\1", inline(text)).replace("\n", "\\n")
