# SPDX-License-Identifier: Apache-2.0
"""The kinds of leftovers."""

from __future__ import annotations

from nova_decom.verify.kinds import KINDS
from pages.markdown import page, table

TEXT = """\
A leftover is a trace of a host that is still somewhere. `verify` names those of a host, `audit`
those of all hosts of the cloud, each with the command that removes it. `nova-decom explain KIND`
prints the same sentences."""


def leftovers() -> str:
    """The table of the kinds."""
    rows = ((f"`{kind}`", text) for kind, text in KINDS.items())
    return page("Kinds of leftovers", TEXT, table(("kind", "meaning"), rows))
