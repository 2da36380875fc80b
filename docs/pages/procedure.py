# SPDX-License-Identifier: Apache-2.0
"""The procedure: its steps in their order, with all that their docstrings say."""

from __future__ import annotations

from collections.abc import Iterator

from nova_decom.steps import PROCEDURE, Step
from nova_decom.steps.enable_service import EnableService
from pages.markdown import docstring, page

TEXT = """\
A step answers one question: *given these facts, what is still to be done on this host?*
A plan asks it of facts carried forward from step to step, over clients that are unable to
write. Execution asks it before each change (still needed?) and after it (gone?).
Verification asks it of fresh facts, and wants no answer. Running again after a failure or
a kill is execution again: the cloud says what is done, not the journal.

Before the first step stand the [guards](guards.md); why the order is this one tells
[how nova knows a host](how-nova-knows-a-host.md).

`remove` takes all steps, `drain` those up to `move-servers`."""

BACK = """\
The command `enable` has one step of its own:"""


def procedure() -> str:
    """The page of the steps."""
    steps = (_step(f"{n}. {step.name}", step) for n, step in enumerate(PROCEDURE, 1))
    back = EnableService()
    return page("The procedure", TEXT, *steps, BACK, _step(back.name, back))


def _step(title: str, step: Step) -> Iterator[str]:
    way_back = "can be taken back" if step.reversible else "cannot be taken back"
    yield from (f"## {title}", "", docstring(step), "", f"This step {way_back}.")
