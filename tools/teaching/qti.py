"""The quizzes in QTI 1.2, one archive that Canvas imports: a quiz for each chapter, a reason for each answer.

(text2qti, on PyPI, writes the same from a Markdown of its own. It would be one more dependency and makes one
archive a quiz; here all of them are one, and a question keeps its identifier, by chapter and number.)
"""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement, indent, tostring

from .chapters import Chapter, Question
from .prose import inline

QTI = "http://www.imsglobal.org/xsd/ims_qtiasiv1p2"
MANIFEST = "http://www.imsglobal.org/xsd/imsccv1p1/imscp_v1p1"
CANVAS = "http://canvas.instructure.com/xsd/cccv1p0"


def files(chapters: list[Chapter]) -> dict[str, bytes]:
    """The members of the archive by name."""
    found = {"imsmanifest.xml": _manifest(chapters)}
    for chapter in chapters:
        ident = identifier(chapter)
        found[f"{ident}/{ident}.xml"] = _quiz(chapter)
        found[f"{ident}/assessment_meta.xml"] = _settings(chapter)
    return found


def identifier(chapter: Chapter) -> str:
    return f"simsam_{chapter.name}"


def _manifest(chapters: list[Chapter]) -> bytes:
    root = Element("manifest", xmlns=MANIFEST, identifier="simsam_quizzes")
    metadata = SubElement(root, "metadata")
    _text(metadata, "schema", "IMS Content")
    _text(metadata, "schemaversion", "1.1.3")
    SubElement(root, "organizations")
    resources = SubElement(root, "resources")
    for ident in map(identifier, chapters):
        quiz = SubElement(resources, "resource", identifier=ident, type="imsqti_xmlv1p2")
        SubElement(quiz, "file", href=f"{ident}/{ident}.xml")
        SubElement(quiz, "dependency", identifierref=f"{ident}_meta")
        kind, at = (
            "associatedcontent/imscc_xmlv1p1/learning-application-resource",
            f"{ident}/assessment_meta.xml",
        )
        settings = SubElement(resources, "resource", identifier=f"{ident}_meta", type=kind, href=at)
        SubElement(settings, "file", href=at)
    return _bytes(root)


def _settings(chapter: Chapter) -> bytes:
    """Canvas's own page about a quiz: for practice, and published when the teacher says so."""
    root = Element("quiz", xmlns=CANVAS, identifier=identifier(chapter))
    _text(root, "title", chapter.title)
    _text(root, "description", "The quiz of a chapter of SimSAM, the book (CC BY 4.0).")
    _text(root, "quiz_type", "practice_quiz")
    _text(root, "points_possible", f"{len(chapter.quiz()):.1f}")
    for name, value in {
        "shuffle_answers": "true",
        "show_correct_answers": "true",
        "available": "false",
    }.items():
        _text(root, name, value)
    return _bytes(root)


def _quiz(chapter: Chapter) -> bytes:
    root = Element("questestinterop", xmlns=QTI)
    assessment = SubElement(root, "assessment", ident=identifier(chapter), title=chapter.title)
    section = SubElement(assessment, "section", ident="root_section")
    for question in chapter.quiz():
        _item(section, f"{identifier(chapter)}_q{question.number}", question)
    return _bytes(root)


def _item(section: Element, ident: str, question: Question) -> None:
    answers = {f"{ident}_{letter}": answer for letter, answer in zip("abcdef", question.answers)}
    item = SubElement(section, "item", ident=ident, title=f"Question {question.number}")
    fields = SubElement(SubElement(item, "itemmetadata"), "qtimetadata")
    for label, entry in {
        "question_type": "multiple_choice_question",
        "points_possible": "1",
        "original_answer_ids": ",".join(answers),
        "assessment_question_identifierref": f"{ident}_bank",
    }.items():
        field = SubElement(fields, "qtimetadatafield")
        _text(field, "fieldlabel", label)
        _text(field, "fieldentry", entry)
    presentation = SubElement(item, "presentation")
    _material(presentation, question.text)
    asked = SubElement(presentation, "response_lid", ident="response1", rcardinality="Single")
    choices = SubElement(asked, "render_choice")
    for answer_ident, answer in answers.items():
        _material(SubElement(choices, "response_label", ident=answer_ident), answer.text)
    processing = SubElement(item, "resprocessing")
    score = {"maxvalue": "100", "minvalue": "0", "varname": "SCORE", "vartype": "Decimal"}
    SubElement(SubElement(processing, "outcomes"), "decvar", score)
    for answer_ident in answers:
        chosen = _when(processing, answer_ident, "Yes")
        SubElement(chosen, "displayfeedback", feedbacktype="Response", linkrefid=f"{answer_ident}_fb")
    (right,) = (answer_ident for answer_ident, answer in answers.items() if answer.right)
    _text(_when(processing, right, "No"), "setvar", "100", action="Set", varname="SCORE")
    for answer_ident, answer in answers.items():
        feedback = SubElement(item, "itemfeedback", ident=f"{answer_ident}_fb")
        _material(SubElement(feedback, "flow_mat"), answer.explanation)


def _when(processing: Element, answer: str, then: str) -> Element:
    """The condition that this answer was given; the next conditions count as well where `then` is Yes."""
    condition = SubElement(processing, "respcondition", {"continue": then})
    _text(SubElement(condition, "conditionvar"), "varequal", answer, respident="response1")
    return condition


def _material(parent: Element, text: str) -> None:
    _text(SubElement(parent, "material"), "mattext", inline(text), texttype="text/html")


def _text(parent: Element, tag: str, text: str, **attributes: str) -> None:
    SubElement(parent, tag, attributes).text = text


def _bytes(root: Element) -> bytes:
    indent(root)
    return tostring(root, encoding="UTF-8", xml_declaration=True) + b"\n"
