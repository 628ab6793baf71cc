"""The quizzes as Moodle and Canvas read them: the same questions, one right answer, a reason for each."""

from __future__ import annotations

import html
import re
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

from teaching.chapters import Chapter, chapters  # noqa: E402
from teaching.gift import gift  # noqa: E402
from teaching.qti import CANVAS, MANIFEST, QTI, files, identifier  # noqa: E402

every_chapter = pytest.mark.parametrize("chapter", chapters(), ids=lambda chapter: chapter.name)
Read = list[tuple[str, list[tuple[bool, str, str]]]]  # a question, and for each answer: right, text, reason


def words(text: str) -> str:
    """HTML as the platform shows it: no tags, mathematics between dollars."""
    return html.unescape(re.sub(r"</?(?:em|strong|code|p|a)\b[^>]*>", "", re.sub(r"\\[()]", "$", text)))


def said(markdown: str) -> str:
    """The same of Markdown: no marks outside mathematics."""
    parts = re.split(r"(\$[^$]*\$)", markdown)
    outside = [re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", part) for part in parts[::2]]
    parts[::2] = [re.sub(r"(?<!\\)[*`]|\\(?=[*_])", "", part) for part in outside]
    return "".join(parts)


def asked(chapter: Chapter) -> Read:
    return [
        (
            said(question.text),
            [(answer.right, said(answer.text), said(answer.explanation)) for answer in question.answers],
        )
        for question in chapter.quiz()
    ]


def read_gift(text: str) -> Read:
    """Questions as Moodle's importer reads them (question/format/gift/format.php)."""
    signs = {sign: f"&&{ord(sign):03};" for sign in ":#={}~"} | {"n": "&&010;"}
    found: Read = []
    for block in re.split(r"\n\s*\n", text):
        lines = [line for line in block.split("\n") if not line.strip().startswith("//")]
        block = "\n".join(lines).strip().replace("\\\\", "&&092;")
        for sign, place in signs.items():
            block = block.replace(f"\\{sign}", place)
        block = block.replace("&&092;", "\\")
        if not block or block.startswith("$CATEGORY:"):
            continue
        _, name, rest = block.split("::", 2)
        assert name
        assert rest.endswith("}")
        question, answers = rest[:-1].split("{")
        assert "}" not in question + answers
        assert question.startswith("[html]")
        read = []
        for answer in answers.replace("=", "~=").split("~")[1:]:
            assert not answer.startswith("%")  # a weight
            shown, reason = answer.strip().removeprefix("=").split("#")
            read.append((answer.startswith("="), shown, reason))

        def back(part: str) -> str:
            for sign, place in signs.items():
                part = part.replace(place, "\n" if sign == "n" else sign)
            return words(part.strip())

        found.append(
            (
                back(question.removeprefix("[html]")),
                [(right, back(shown), back(reason)) for right, shown, reason in read],
            )
        )
    return found


@every_chapter
def test_moodle_reads_the_quiz(chapter: Chapter) -> None:
    assert read_gift(gift(chapter)) == asked(chapter)


def test_signs_of_gift_in_a_question_are_no_signs_of_gift() -> None:
    from teaching.chapters import Answer, Question
    from teaching.gift import _question

    text = r"What is $\{x : \nabla f = 0\}$, ~ or # or a `dict = {}`?"
    answers = [Answer("$a = b$", True, "Yes: {so}."), Answer("# ~ %50%", False, r"No, $\neq$.")]
    made = _question(chapters()[0], Question(1, text, answers))
    assert read_gift(made) == [
        (said(text), [(answer.right, said(answer.text), said(answer.explanation)) for answer in answers])
    ]


@pytest.fixture(scope="module")
def canvas() -> dict[str, bytes]:
    return files(chapters())


def read_qti(page: bytes) -> Read:
    """Questions as Canvas's importer reads them; what it cannot read is asserted away."""
    name = {"q": QTI}
    found: Read = []
    for item in ElementTree.fromstring(page).iterfind(".//q:item", name):
        fields = {
            field.find("q:fieldlabel", name).text: field.find("q:fieldentry", name).text
            for field in item.iterfind(".//q:qtimetadatafield", name)
        }
        assert fields["question_type"] == "multiple_choice_question"
        choices = item.findall(".//q:response_label", name)
        idents = [choice.get("ident") for choice in choices]
        assert fields["original_answer_ids"] == ",".join(idents)
        feedback = {
            one.get("ident"): one.find(".//q:mattext", name) for one in item.iterfind("q:itemfeedback", name)
        }
        reasons, right = {}, []
        for condition in item.iterfind(".//q:respcondition", name):
            given = condition.find(".//q:varequal", name)
            assert given.get("respident") == item.find(".//q:response_lid", name).get("ident")
            shown, score = condition.find("q:displayfeedback", name), condition.find("q:setvar", name)
            if shown is not None:
                reasons[given.text] = feedback.pop(shown.get("linkrefid")).text
            if score is not None:
                assert (score.get("varname"), score.text) == ("SCORE", "100")
                right.append(given.text)
        assert not feedback  # each is shown by an answer
        assert len(right) == 1
        assert all(text.get("texttype") == "text/html" for text in item.iterfind(".//q:mattext", name))
        answers = [
            (ident in right, words(choice.find(".//q:mattext", name).text), words(reasons[ident]))
            for ident, choice in zip(idents, choices, strict=True)
        ]
        question = item.find("q:presentation/q:material/q:mattext", name)
        found.append((words(question.text), answers))
    return found


@every_chapter
def test_canvas_reads_the_quiz(chapter: Chapter, canvas: dict[str, bytes]) -> None:
    ident = identifier(chapter)
    assert read_qti(canvas[f"{ident}/{ident}.xml"]) == asked(chapter)
    settings = ElementTree.fromstring(canvas[f"{ident}/assessment_meta.xml"])
    assert settings.find(f"{{{CANVAS}}}title").text == chapter.title
    assert float(settings.find(f"{{{CANVAS}}}points_possible").text) == len(chapter.quiz())


def test_the_manifest_names_every_file_once(canvas: dict[str, bytes]) -> None:
    manifest = ElementTree.fromstring(canvas["imsmanifest.xml"])
    resources = manifest.findall(f".//{{{MANIFEST}}}resource")
    named = [file.get("href") for file in manifest.iterfind(f".//{{{MANIFEST}}}file")]
    assert sorted(named) == sorted(set(canvas) - {"imsmanifest.xml"})
    idents = {resource.get("identifier") for resource in resources}
    assert len(idents) == len(resources)
    needed = {one.get("identifierref") for one in manifest.iterfind(f".//{{{MANIFEST}}}dependency")}
    assert needed == {f"{identifier(chapter)}_meta" for chapter in chapters()}
    assert needed < idents


def test_identifiers_are_names_of_xml_and_unique(canvas: dict[str, bytes]) -> None:
    found: list[str] = []
    for name, page in canvas.items():
        if name.endswith(".xml") and "/simsam_" in name:
            tree = ElementTree.fromstring(page)
            found += [
                node.get("ident")
                for kind in ("assessment", "item", "response_label", "itemfeedback")
                for node in tree.iter(f"{{{QTI}}}{kind}")
            ]
    assert len(set(found)) == len(found) > 200
    assert all(re.fullmatch(r"[A-Za-z_][\w.-]*", ident) for ident in found)
