# SPDX-License-Identifier: Apache-2.0
"""The procedure: its steps in their order, with all that their docstrings say."""

from __future__ import annotations

from collections.abc import Iterator

from nova_decom.steps import PROCEDURE, Step
from nova_decom.steps.enable_service import EnableService
from pages.markdown import docstring, page

TEXT = """\
Every step computes from the facts of a host what remains to be done on it.
A plan runs the steps on facts that are carried forward from step to step, over clients that
are unable to write. Execution runs a step before each change (is it still needed?) and after
it (is the record gone?). Verification runs all steps on fresh facts, and passes when nothing
remains. A run after a failure or a kill is the same again: the state of the cloud says what is
done, not the journal.

The [guards](guards.md) are asked before the first step.
[How nova knows a host](how-nova-knows-a-host.md) explains the order.

`remove` takes all steps, `drain` those up to `move-servers`.

```{raw} html
<a class="diagram" href="_static/steps.svg">
```

```{raw} html
:file: _static/steps.svg
```

```{raw} html
</a>
```"""

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
