# SPDX-License-Identifier: Apache-2.0
"""The one document that goes to stdout with ``-f json`` or ``-f yaml``.

Its shape is ``schema.json`` in this package; its keys do not change within nova-decom/1.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from importlib import resources
from typing import Any

from nova_decom.model.change import Outcome
from nova_decom.model.cloud_identity import CloudIdentity
from nova_decom.model.plan import Finding, ReAdd
from nova_decom.model.report import HostReport, Report

SCHEMA = "nova-decom/1"
#: Up to this many hosts are indented, for people; of more, each is one line.
INDENTED = 50


def schema() -> dict[str, Any]:
    """The JSON Schema of the envelope."""
    text = resources.files("nova_decom.output").joinpath("schema.json").read_text("utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def envelope(report: Report) -> dict[str, Any]:
    """A report as plain data."""
    return _envelope(report, [_host(h) for h in report.hosts])


def _envelope(report: Report, hosts: Sequence[Any]) -> dict[str, Any]:
    document: dict[str, Any] = {
        "schema": SCHEMA,
        "command": report.command,
        "cloud": _cloud(report.cloud),
        "run": report.run,
        "changed": report.changed,
        "exit_code": int(report.exit_code),
        "hosts": hosts,
        "error": _error(report.error, report.remedy),
    }
    return document | report.extra


def as_json(report: Report) -> Iterator[str]:
    """The envelope as JSON; foreign text is escaped to ASCII: no control byte gets out.

    Many hosts come in pieces, one line for each: plain data and text of 2,000 hosts take 50 MiB,
    and to indent them takes longer than to plan them.
    """
    if len(report.hosts) <= INDENTED:
        yield f"{json.dumps(envelope(report), indent=2)}\n"
        return
    head, tail = json.dumps(_envelope(report, []), indent=2).split('"hosts": []', maxsplit=1)
    yield f'{head}"hosts": [\n    '
    for n, host in enumerate(report.hosts):
        yield (",\n    " if n else "") + json.dumps(_host(host))
    yield f"\n  ]{tail}\n"


def as_yaml(report: Report) -> Iterator[str]:
    """The envelope as YAML."""
    import yaml  # only when asked for

    yield yaml.safe_dump(envelope(report), sort_keys=False, allow_unicode=False)


def _cloud(found: CloudIdentity | None) -> dict[str, str] | None:
    names = ("name", "auth_url", "region")
    return None if found is None else {name: getattr(found, name) for name in names}


def _host(report: HostReport) -> dict[str, Any]:
    return {
        "host": report.host,
        "result": str(report.result),
        "findings": [_finding(f) for f in report.findings],
        "changes": [_change(o) for o in report.outcomes],
        "leftovers": [asdict(leftover) for leftover in report.leftovers],
        "kept": [asdict(k) for k in report.kept],
        "unchecked": list(report.unchecked),
        "to_do": list(report.to_do),
        "readd": report.readd and _readd(report.readd),
        "error": _error(report.error, report.remedy),
    }


def _finding(found: Finding) -> dict[str, str | None]:
    return {
        "guard": found.guard,
        "verdict": str(found.verdict),
        "message": found.message,
        "remedy": found.remedy,
    }


def _readd(found: ReAdd) -> dict[str, Any]:
    return {
        "answer": found.answer,
        "safe": found.answer == "yes",
        "because": [condition.detail for condition in found.open],
        "conditions": [{**asdict(c), "met": str(c.met)} for c in found.conditions],
    }


def _change(outcome: Outcome) -> dict[str, Any]:
    change = outcome.change
    return {
        "step": change.step,
        "action": change.action,
        "target": change.target,
        "detail": change.detail,
        "rows": change.rows,
        "status": str(outcome.status),
        "request_id": outcome.request_id,
        "seconds": None if outcome.seconds is None else round(outcome.seconds, 1),
        "to": outcome.to,
        "error": outcome.error,
    }


def _error(message: str | None, remedy: str | None) -> dict[str, str | None] | None:
    return None if message is None else {"message": message, "remedy": remedy}
