"""Minutes and points add up, and the exam's numbers are right."""

from __future__ import annotations

import itertools
import re
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

from teaching.chapters import chapters  # noqa: E402
from teaching.deck import read_deck  # noqa: E402

EXAM = (ROOT / "teaching" / "exam.md").read_text(encoding="utf-8")


def section(page: str, heading: str) -> str:
    text = (ROOT / "book" / f"{page}.md").read_text(encoding="utf-8")
    return re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", text, re.M | re.S)[1]


def rows(text: str) -> list[list[str]]:
    """The cells of a table's rows, without its head."""
    lines = [line.strip("|").split("|") for line in text.split("\n") if line.startswith("|")]
    return [[cell.strip() for cell in line] for line in lines[2:]]


@pytest.mark.parametrize(("heading", "minutes"), [("One lecture of 90", 90), ("A day of 420", 420)])
def test_minutes_of_a_plan_add_up(heading: str, minutes: int) -> None:
    assert sum(int(row[0]) for row in rows(section("plans", f"{heading} minutes"))) == minutes


def test_every_meeting_of_the_half_term_takes_ninety_minutes() -> None:
    weeks = rows(section("plans", "Half a term: seven weeks"))
    assert [week[0] for week in weeks] == [str(n + 1) for n in range(7)]
    for week in weeks:
        for meeting in week[1:3]:
            assert sum(map(int, re.findall(r"\((\d+)\)", meeting))) == 90, meeting


@pytest.mark.parametrize("project", ["A new readout", "The head on published features"])
def test_a_rubric_has_a_hundred_points(project: str) -> None:
    assert sum(int(points) for points, _ in rows(section("projects", project))) == 100


def questions() -> dict[int, tuple[int, str]]:
    """Points and solution by the number of the question."""
    found = re.findall(r"^## (\d+)\. [^\n]+ \((\d+) points\)\n(.*?)(?=^## |\Z)", EXAM, re.M | re.S)
    solutions = {int(n): re.search(r":::solution\n(.*?)^:::$", text, re.M | re.S)[1] for n, _, text in found}
    return {int(n): (int(points), solutions[int(n)]) for n, points, _ in found}


def solution(number: int) -> str:
    return " ".join(questions()[number][1].split())


def test_the_exam_has_ten_questions_and_sixty_points() -> None:
    assert list(questions()) == [*range(1, 11)]
    assert sum(points for points, _ in questions().values()) == 60
    marks = [[*map(int, re.findall(r"\d+", row[0]))] for row in rows(EXAM.split("## Marks")[1])]
    assert marks[0][1] == 60
    assert marks[-1] == [marks[-2][0]]
    assert all(below[1] == above[0] - 1 for above, below in itertools.pairwise(marks[:-1]))


def test_the_graph_of_question_1() -> None:
    angles = np.deg2rad([0, 60, 90, 150])
    S = np.cos(angles[:, None] - angles)
    half, s = 1 / 2, np.sqrt(3) / 2
    assert np.allclose(S, [[1, half, 0, -s], [half, 1, s, 0], [0, s, 1, half], [-s, 0, half, 1]])
    W = np.clip(S - 1 / 4, 0, None)
    W = W / W.max()
    edges = {(i + 1, j + 1): W[i, j] for i, j in itertools.combinations(range(4), 2) if W[i, j] > 0}
    assert set(edges) == {(1, 2), (2, 3), (3, 4)}
    assert edges[1, 2] == pytest.approx(1 / 3)
    assert edges[3, 4] == pytest.approx(1 / 3)
    said = solution(1)
    assert (
        r"$(1, \tfrac12, 0, -s)$, $(\tfrac12, 1, s, 0)$, $(0, s, 1, \tfrac12)$, $(-s, 0, \tfrac12, 1)$"
        in said
    )
    assert r"Edges 1-2 and 3-4 have the weight $\tfrac14 / \tfrac34 = \tfrac13$" in said
    assert rf"edge 2-3 has $(s - \tfrac14)/\tfrac34 \approx {edges[2, 3]:.2f}$" in said


def test_the_cuts_of_question_3() -> None:
    W = np.zeros((5, 5))
    for edge, weight in {"ab": 3, "bc": 3, "ac": 3, "cd": 1, "de": 1 / 2}.items():
        i, j = ("abcde".index(node) for node in edge)
        W[i, j] = W[j, i] = weight
    degrees = W.sum(0)
    said = solution(3)
    assert degrees.tolist() == [6, 6, 7, 3 / 2, 1 / 2]
    assert f"the total is {degrees.sum():.0f}." in said
    sides = [set(side) for size in (1, 2) for side in itertools.combinations(range(5), size)]

    def cut(side: set[int]) -> float:
        return sum(W[i, j] for i in side for j in set(range(5)) - side)

    def ncut(side: set[int]) -> float:
        volume = sum(degrees[i] for i in side)
        return cut(side) / volume + cut(side) / (degrees.sum() - volume)

    assert min(sides, key=cut) == {4}
    assert cut({4}) == 1 / 2
    assert ncut({4}) == pytest.approx(1 + 1 / 41)
    assert ncut({3, 4}) == pytest.approx(1 / 2 + 1 / 19)
    assert rf"= 1 + \tfrac1{{41}} \approx {ncut({4}):.2f}$" in said
    assert rf"$1/2 + 1/19 \approx {ncut({3, 4}):.2f}$" in said


@pytest.mark.parametrize("w", [0.3, 2.0, 2.5])
def test_the_vectors_of_question_5(w: float) -> None:
    W = np.array([[0, w, 2], [w, 0, 2], [2, 2, 0]])
    D = np.diag(W.sum(0))
    x = (w + 2) / 2
    apart, together = np.array([1, -1, 0]), np.array([1, 1, -x])
    assert (D @ together).sum() == pytest.approx(0)
    assert np.allclose((D - W) @ together, (w + 4) / (w + 2) * D @ together)
    assert np.allclose((D - W) @ apart, (2 * w + 2) / (w + 2) * D @ apart)
    assert ((w + 4) / (w + 2) < (2 * w + 2) / (w + 2)) == (w > 2)
    said = solution(5)
    values = (r"$\lambda = (w+4)/(w+2)$", r"$\lambda = (2w+2)/(w+2)$")
    for words in ("$x = (w+2)/2$", *values, "that is $w > 2$"):
        assert words in said
    assert ((D - W) @ together)[2] == pytest.approx(-2 * (w + 4))
    assert (D @ together)[2] == pytest.approx(-2 * (w + 2))


def test_the_slides_of_the_lecture_are_there() -> None:
    decks = {chapter.name.split("_")[0].lstrip("0") or "0": chapter for chapter in reversed(chapters())}
    named = [row[2] for row in rows(section("plans", "One lecture of 90 minutes"))]
    found = re.findall(r"(\d+)/(\d+)(?:–(\d+))?", " ".join(named))
    assert len(found) > 10
    for deck, first, last in found:
        assert 1 <= int(first) < int(last or int(first) + 1)
        assert int(last or first) <= 1 + len(read_deck(decks[deck])), (deck, first, last)


def test_the_counts_of_question_8() -> None:
    side = 448 // 14
    said = solution(8)
    assert rf"${side} \times {side} = {side**2}$ tokens" in said
    assert rf"$1024^2 \approx {side**4 / 1e6:.2f}$ million" in said
    assert f"{(2 * side) ** 2 // side**2} and {(2 * side) ** 4 // side**4}." in said
    steps = np.log(1000) / -np.log(0.9)
    assert rf"$6.9/0.105 \approx {steps:.0f}$" in said
    assert f"{np.log(1000):.1f}" == "6.9"
    assert f"{np.log(0.9):.3f}" == "-0.105"


def test_the_overlaps_of_question_9() -> None:
    truth = np.zeros(400, bool)
    truth[:50] = True
    a, b = truth.copy(), np.zeros(400, bool)
    a[40:50] = False
    b[:100] = True
    ious = [(mask & truth).sum() / (mask | truth).sum() for mask in (a, b, np.ones(400, bool))]
    said = solution(9)
    assert f"$40/50 = {ious[0]}$ and $50/100 = {ious[1]}$" in said
    assert f"$50/400 = {ious[2]}$" in said
