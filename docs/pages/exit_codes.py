# SPDX-License-Identifier: Apache-2.0
"""The exit codes."""

from __future__ import annotations

from nova_decom.exit_codes import ExitCode
from pages.markdown import page, table

TEXT = """\
`plan` and `--dry-run` end with 0 whenever a plan could be made, blocked or not.
`--detailed-exitcode` makes that 4 when a guard blocks, else 3 when there are changes; with
`audit` it makes it 3 when anything was found.

Hosts that ended with the same code give that code; a mixture gives 6. What happened to each
host is in the report and in [the document of `-f json`](json.md)."""


def exit_codes() -> str:
    """The table of exit codes."""
    rows = ((str(int(code)), code.name, code.meaning) for code in ExitCode)
    return page("Exit codes", table(("code", "name", "meaning"), rows), TEXT)
