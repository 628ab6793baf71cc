"""`check` tells a right answer from a wrong one, in words, in plain Python and in a notebook."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from simsam.drawing import Wrong, check


def test_right_answers_are_told(capsys) -> None:
    check("Right: both.", (True, "never said"), (np.bool_(True), "never"), (torch.tensor(True), "never"))
    assert capsys.readouterr().out == "Right: both.\n"


def test_the_first_wrong_sentence_is_the_one_that_is_said(capsys) -> None:
    with pytest.raises(Wrong, match=r"^the second is wrong$"):
        check("Right.", (True, "the first is wrong"), (False, "the second is wrong"), (False, "the third"))
    assert capsys.readouterr().out == ""


def test_conditions_may_be_functions_and_later_ones_wait_for_earlier_ones() -> None:
    called = []

    def later() -> bool:
        called.append("later")
        return True

    with pytest.raises(Wrong, match="a wrong shape"):
        check("Right.", (lambda: False, "a wrong shape"), (later, "a wrong value"))
    assert not called
    check("Right.", (lambda: True, "a wrong shape"), (later, "a wrong value"))
    assert called == ["later"]


def test_what_is_not_written_yet_is_named() -> None:
    with pytest.raises(Wrong, match=r"^my_two_means is not there yet: write it in a cell above") as caught:
        check("Right.", (lambda: my_two_means([1, 2]) == 3, "the means are off"))  # noqa: F821
    assert caught.value.__context__ is None  # no NameError above it


def test_what_is_not_written_yet_is_named_where_the_checks_own_helper_asks_for_it() -> None:
    def helper(points: list[int]) -> int:
        return sum(my_two_means(point) for point in points)  # noqa: F821

    with pytest.raises(Wrong, match=r"^my_two_means is not there yet"):
        check("Right.", (lambda: all(helper([n]) == 3 for n in (1, 2)), "the means are off"))


def test_an_error_in_the_readers_own_function_comes_out_as_it_is() -> None:
    cell: dict = {}
    exec(compile("def mine(): return helper + 1", "the reader's cell", "exec"), cell)
    with pytest.raises(NameError, match="helper") as caught:
        check("Right.", (lambda: cell["mine"]() == 2, "it is not two"))
    assert not isinstance(caught.value, Wrong)
    with pytest.raises(ZeroDivisionError):
        check("Right.", (lambda: 1 / 0, "it is not two"))


def test_a_sentence_that_needs_the_answer_waits_for_it(capsys) -> None:
    check(lambda: f"Right: {1 + 1}.", (True, "never said"))
    assert capsys.readouterr().out == "Right: 2.\n"
    with pytest.raises(Wrong, match=r"^wrong$"):
        check(lambda: str(1 / 0), (False, "wrong"))


def test_a_notebook_goes_on_in_front_of_a_reader_and_fails_elsewhere() -> None:
    """In a real kernel: what a person uses offers to answer `input()`; nbclient and nbgrader do not."""
    from jupyter_client.manager import start_new_kernel

    code = "from simsam.drawing import check\ncheck('Right.', (lambda: mine == 2, 'it is not two'))"
    manager, client = start_new_kernel()
    try:
        for reader in (True, False):
            said: list[dict] = []
            reply = client.execute_interactive(code, allow_stdin=reader, output_hook=said.append, timeout=300)
            assert reply["content"]["status"] == ("ok" if reader else "error")
            words = " ".join(str(message["content"]) for message in said)
            assert "Not yet: mine is not there yet: write it in a cell above" in words
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def test_a_notebook_shows_the_sentence_without_a_traceback(capsys) -> None:
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell()
    shell.run_cell("from simsam.drawing import check")
    capsys.readouterr()
    shell.run_cell("check('Right.', (1 + 1 == 3, 'one and one is two'))")
    shown = capsys.readouterr()
    assert (shown.out + shown.err).strip() == "Not yet: one and one is two"
