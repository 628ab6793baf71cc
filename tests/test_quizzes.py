"""Quizzes and exercises have the one source format that the page, its script and the checks rely on.

A question is a Markdown cell tagged `quiz`; an exercise is a cell tagged `exercise`, then any number tagged
`hint`, then one tagged `solution` and one tagged `check` (CONTRIBUTING.md shows both).
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from chapters import cells, every_notebook

QUESTION = re.compile(r"\*\*Question (\d+)\.\*\* \S(?:(?!<details).)*\S\n\n(?=<details)", re.S)
ANSWER = re.compile(
    r'<details( class="right")?>\n<summary>([A-Z])\. (\S[^\n]*)</summary>\n\n(\S.*?)\n\n</details>', re.S
)
EXERCISE = re.compile(r"\*\*(\d+)\. [^*]+\.\*\* \S")
HINT = re.compile(r"<details>\n<summary>Hint( \d)?</summary>\n\n\S.*\S\n\n</details>", re.S)
# the last one may be open: it has no answer to check
ORDER = re.compile(r"(exercise (hint )*solution check )*(exercise (hint )*)?")


def faults(source: str) -> list[str]:
    """What is wrong with the source of a question; nothing if all is well."""
    opening = QUESTION.match(source)
    if not opening:
        return ["does not begin with **Question N.** and a question, then an empty line and its answers"]
    answers = ANSWER.findall(source)
    rest = ANSWER.sub("", source[opening.end() :]).strip()
    wrong = [f"what is this? {rest[:60]}"] if rest else []
    if sum(bool(right) for right, *_ in answers) != 1:
        wrong.append("not exactly one right answer")
    if [letter for _, letter, *_ in answers] != list("ABCDEF"[: len(answers)]):
        wrong.append("answers are not A, B, C, ... in order")
    if not 2 <= len(answers) <= 6:
        wrong.append(f"{len(answers)} answers")
    for right, letter, _, why in answers:
        verdict = "Yes" if right else "No"
        if not re.match(rf"{verdict}\b", why) or len(why.split()) < 5:
            wrong.append(f"{letter} is not explained by a sentence that begins with {verdict}")
    return wrong


@every_notebook
def test_every_question_of_a_quiz_can_be_answered(path: Path) -> None:
    quiz = [cell["source"] for cell in cells(path) if "quiz" in cell["tags"]]
    assert [QUESTION.match(source)[1] for source in quiz] == [str(n + 1) for n in range(len(quiz))]
    for source in quiz:
        assert not faults(source), source


@every_notebook
def test_questions_of_a_quiz_have_their_tag(path: Path) -> None:
    loose = [cell for cell in cells(path) if "**Question" in cell["source"] and "quiz" not in cell["tags"]]
    assert not loose


@every_notebook
def test_exercises_come_with_hint_solution_and_check_in_order(path: Path) -> None:
    tags = ("exercise", "hint", "solution", "check")
    found = [(tag, cell) for cell in cells(path) for tag in tags if tag in cell["tags"]]
    assert ORDER.fullmatch("".join(f"{tag} " for tag, _ in found))
    numbers = [EXERCISE.match(cell["source"]) for tag, cell in found if tag == "exercise"]
    assert [match and match[1] for match in numbers] == [str(n + 1) for n in range(len(numbers))]
    for tag, cell in found:
        assert cell["cell_type"] == ("markdown" if tag in ("exercise", "hint") else "code")
        if tag == "hint":
            assert HINT.fullmatch(cell["source"].strip()), cell["source"]
        if tag == "solution":
            assert "hide-cell" in cell["tags"]
        if tag == "check":
            assert re.search(r"^check\(", cell["source"], re.M), cell["source"]
            assert "assert " not in cell["source"], (
                "say what is wrong in words: check(right, (condition, wrong))"
            )


@every_notebook
def test_a_chapter_has_three_to_five_questions_and_exercises(path: Path) -> None:
    tags = [tag for cell in cells(path) for tag in cell["tags"]]
    assert 3 <= tags.count("quiz") <= 5
    assert 3 <= tags.count("exercise") <= 5
    (told,) = (cell for cell in cells(path) if "Hints and solutions are folded." in cell["source"])
    assert "Write your answer in a new cell above the solution, then run the check." in told["source"]


GOOD = """**Question 1.** What?

<details>
<summary>A. This</summary>

No. This is not what is meant.

</details>

<details class="right">
<summary>B. That</summary>

Yes. That is what is meant.

</details>"""


def test_a_good_question_has_no_fault() -> None:
    assert faults(GOOD) == []


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("**Question 1.**", "Question 1.", "does not begin"),
        ("\n\n<details>", "\n<details>", "does not begin"),
        (' class="right"', "", "one right"),
        ("<details>\n<summary>A", '<details class="right">\n<summary>A', "one right"),
        ("A. This", "C. This", "in order"),
        ("No. This is not what is meant.", "No.", "A is not explained"),
        ("Yes. That is what", "That is exactly what", "B is not explained"),
        ("</details>\n\n<details class", "</details>\n\nMore.\n\n<details class", "what is this"),
    ],
)
def test_faults_are_found(old: str, new: str, fault: str) -> None:
    assert old in GOOD
    assert any(fault in found for found in faults(GOOD.replace(old, new)))
