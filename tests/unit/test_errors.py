# SPDX-License-Identifier: Apache-2.0
"""Errors and exit codes."""

from __future__ import annotations

import inspect
import re

import pytest

from nova_decom import errors
from nova_decom.errors import NovaDecomError, RunInterruptedError, WriteRefusedError
from nova_decom.exit_codes import ExitCode

CODES = {
    "SUCCESS": 0,
    "FAILED": 1,
    "USAGE": 2,
    "CHANGES": 3,
    "REFUSED": 4,
    "TIMEOUT": 5,
    "PARTIAL": 6,
    "STALE": 7,
    "REAPPEARED": 8,
    "UNCONFIRMED": 13,
    "UNAVAILABLE": 69,
    "BUG": 70,
    "BUSY": 75,
    "INTERRUPTED": 130,
    "TERMINATED": 143,
}
TREE = [
    member
    for _, member in inspect.getmembers(errors, inspect.isclass)
    if issubclass(member, NovaDecomError) and member is not NovaDecomError
]


def test_exit_codes_are_the_documented_ones():
    """Scripts of other people rely on each number."""
    assert {code.name: int(code) for code in ExitCode} == CODES


@pytest.mark.parametrize("code", ExitCode, ids=lambda code: code.name)
def test_each_exit_code_says_what_it_means(code):
    """The documentation prints the sentence that stands beside the number."""
    assert code.meaning
    assert code.meaning == code.meaning.strip().rstrip(".")


@pytest.mark.parametrize("error", TREE, ids=lambda error: error.__name__)
def test_docstring_draws_each_error_with_its_code(error):
    """The tree in the module's docstring has every class and the exit code that it gives."""
    drawn = re.search(rf"{error.__name__}\s+(\d+)", errors.__doc__)

    assert drawn, f"{error.__name__} is not in the tree"
    assert int(drawn[1]) == error.exit_code


def test_an_error_keeps_message_and_remedy_apart():
    """The sentence is what str() gives; the cure is what the JSON output puts beside it."""
    error = NovaDecomError("the door is shut", "open it")

    assert (str(error), error.remedy) == ("the door is shut", "open it")


@pytest.mark.parametrize(
    ("code", "signal"),
    [(ExitCode.INTERRUPTED, "SIGINT"), (ExitCode.TERMINATED, "SIGTERM or SIGHUP")],
)
def test_an_interrupt_names_its_signal_and_says_to_run_again(code, signal):
    """A run that was stopped tells by which signal, and that running again goes on."""
    error = RunInterruptedError(code)

    assert str(error) == f"interrupted by {signal}"
    assert error.code is code
    assert error.remedy.startswith("run the same command again")


def test_a_refused_write_is_a_bug_and_no_error_of_the_user():
    """A client that cannot write and is asked to is never shown as a failure of the cloud."""
    assert not issubclass(WriteRefusedError, NovaDecomError)
