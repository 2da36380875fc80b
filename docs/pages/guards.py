# SPDX-License-Identifier: Apache-2.0
"""The guards: what must hold, and what each says and advises when it does not.

The examples are the cases of the unit tests, so what stands here was said by the code.
"""

from __future__ import annotations

from collections.abc import Iterator

from nova_decom.guards import Guard, judge
from nova_decom.model.plan import Finding, Verdict, summary
from nova_decom.plan.jobs import DRAIN, ENABLE, REMOVE
from pages.markdown import code, docstring, page, table
from tests.unit.guard_cases import TABLE

TEXT = """\
A guard looks at the facts of a host and says *ok*, *warning* or *blocked*, what it saw, and
what would resolve it. One that blocks ends the removal of that host with exit code 4 (69 when
it is `database-access` alone), and nothing is changed.

Guards are asked before the prompt, again when the run begins, again before each step that
cannot be taken back, and whether servers, migrations or new rows have come once more inside
the transaction.
`verify` and `plan` ask those of `remove`.
`--skip-guard NAME` turns a refusal into a warning where that is allowed."""


def guards() -> str:
    """The page of the guards."""
    every = {guard.name: guard for job in JOBS for guard in job.guards}.values()
    return page("Guards", TEXT, table(HEAD, map(_row, every)), *map(_section, every))


JOBS = (REMOVE, DRAIN, ENABLE)
HEAD = ("guard", "what must hold", "asked by", "can be skipped")


def _row(guard: Guard) -> tuple[str, ...]:
    return (
        f"[{guard.name}](#{guard.name})",
        summary(guard.ask),
        ", ".join(job.name for job in JOBS if guard in job.guards),
        "yes" if guard.skippable else "no",
    )


def _section(guard: Guard) -> Iterator[str]:
    yield from (f"## {guard.name}", "", docstring(guard.ask), "")
    skip = f"`--skip-guard {guard.name}` makes it a warning." if guard.skippable else ""
    yield from (skip or "It cannot be skipped.", "")
    if examples := list(_examples(guard)):
        yield from table(("verdict", "for example", "what resolves it"), examples)


def _examples(guard: Guard) -> Iterator[tuple[str, str, str]]:
    """Each way to object, once: cases that differ only in what they name count as one."""
    seen = set()
    for name, _case, facts, verdict, _words in TABLE:
        if name != guard.name or verdict is Verdict.OK:
            continue
        (finding,) = judge(facts, (guard,))
        shape = (finding.verdict, finding.remedy)
        if shape not in seen and not finding.message.startswith("skipped"):
            seen.add(shape)
            yield _example(finding)


def _example(finding: Finding) -> tuple[str, str, str]:
    remedy = code(finding.remedy) if finding.remedy else ""
    return (str(finding.verdict), code(finding.message), remedy)
