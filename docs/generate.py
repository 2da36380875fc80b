# SPDX-License-Identifier: Apache-2.0
"""Write the reference pages from the code: ``python docs/generate.py``; a test compares them."""

from __future__ import annotations

import inspect
from pathlib import Path

from nova_decom.errors import ExitCode
from nova_decom.guards import GUARDS
from nova_decom.model import summary
from nova_decom.steps import PROCEDURE

HERE = Path(__file__).parent
NOTE = "<!-- Written by docs/generate.py from the code. -->"


def procedure() -> str:
    """The steps and the guards, with all that their docstrings say."""
    lines = [NOTE, "", "# The procedure", "", *PROCEDURE_TEXT, "", "## Steps", ""]
    for number, step in enumerate(PROCEDURE, 1):
        way_back = "can be taken back" if step.reversible else "cannot be taken back"
        lines += [
            f"### {number}. {step.name}",
            "",
            (inspect.getdoc(step) or "").replace("``", "`"),
            "",
        ]
        lines += [f"This step {way_back}.", ""]
    lines += ["## Guards", "", *GUARDS_TEXT, "", "| guard | what must hold | can be skipped |"]
    lines += ["| --- | --- | --- |"]
    lines += [
        f"| {g.name} | {summary(g.ask)} | {'yes' if g.skippable else 'no'} |" for g in GUARDS
    ]
    return "\n".join(lines) + "\n"


def exit_codes() -> str:
    """The table of exit codes."""
    lines = [NOTE, "", "# Exit codes", "", "| code | name | meaning |", "| --- | --- | --- |"]
    lines += [f"| {int(code)} | {code.name} | {code.meaning} |" for code in ExitCode]
    return "\n".join(lines) + "\n"


PROCEDURE_TEXT = (
    "A step answers one question: *given these facts, what is still to be done on this host?*",
    "A plan asks it of facts carried forward from step to step, over clients that are unable to",
    "write. Execution asks it before each change (still needed?) and after it (gone?).",
    "Verification asks it of fresh facts, and wants no answer. Running again after a failure or",
    "a kill is execution again: the cloud says what is done, not the journal.",
)
GUARDS_TEXT = (
    "Guards are asked before the prompt, again when the run begins, again before each step that",
    "cannot be taken back, and whether servers, migrations or new rows have come once more inside",
    "the transaction.",
    "`--skip-guard NAME` turns a refusal into a warning where that is allowed.",
)
PAGES = {"procedure.md": procedure, "exit-codes.md": exit_codes}


if __name__ == "__main__":
    for name, page in PAGES.items():
        (HERE / name).write_text(page(), "utf-8")
