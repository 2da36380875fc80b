# SPDX-License-Identifier: Apache-2.0
"""A run as Markdown, for a change ticket without HTML."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from nova_decom.model.report import HostReport
from nova_decom.output.escape import safe


def markdown(summary: Mapping[str, Any], hosts: Sequence[HostReport]) -> str:
    """The run in short, a table of its hosts, and the changes of each host."""
    names = ("cloud", "at", "by", "reason", "result", "exit_code", "problem")
    lines = [f"# {_text(summary['command'] or 'run')} {_text(', '.join(summary['hosts']))}", ""]
    lines += [f"- run: {_code(summary['run'])}"]
    shown = [name for name in names if summary.get(name) not in (None, "")]
    lines += [f"- {name.replace('_', ' ')}: {_text(summary[name])}" for name in shown]
    lines += ["", *_table(("host", "result", "changes", "why"), map(_row, hosts))]
    for host in hosts:
        lines += ["", f"## {_text(host.host)}: {host.result}", ""]
        lines += _changes(host)
    return "\n".join(lines)


def _row(host: HostReport) -> Sequence[str]:
    return (_text(host.host), str(host.result), str(len(host.outcomes)), _text(host.error or ""))


def _changes(host: HostReport) -> Iterator[str]:
    rows = [
        (str(o.status), o.change.step, _code(o.change.detail), _text(o.error or ""))
        for o in host.outcomes
    ]
    yield from _table(("status", "step", "call or statement", "error"), rows) if rows else ["-"]


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    for cells in (head, ["---"] * len(head), *rows):
        yield f"| {' | '.join(cells)} |"


def _code(text: str) -> str:
    """The text in backticks, more of them than it has itself."""
    fence = "`" * (max(map(len, re.findall("`+", text)), default=0) + 1)
    return f"{fence} {safe(text)} {fence}".replace("|", "\\|") if text else ""


def _text(value: object) -> str:
    """Text without meaning in Markdown, HTML or a table."""
    return "".join(f"\\{c}" if c in "\\`*_{}[]<>()#+!|~" else c for c in safe(str(value)))
