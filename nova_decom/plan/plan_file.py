# SPDX-License-Identifier: Apache-2.0
"""A reviewed plan in a file, carried out later if the cloud still fits."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nova_decom.errors import ConfigurationError
from nova_decom.model.change import Change
from nova_decom.model.cloud_identity import CloudIdentity
from nova_decom.model.host import HostFacts
from nova_decom.model.plan import Finding, Plan, Verdict

SCHEMA = "nova-decom-plan/1"


@dataclass(frozen=True, slots=True)
class SavedPlans:
    """The plans of a file, their cloud and their options; None where an older file has none."""

    plans: tuple[Plan, ...]
    cloud: CloudIdentity | None = None
    options: Mapping[str, Any] | None = None


def save_plans(path: Path, plans: Sequence[Plan], cloud: CloudIdentity) -> None:
    """Write the plans of hosts of this cloud, readable by their owner only.

    :raises ConfigurationError: the file cannot be written.
    """
    document = {
        "schema": SCHEMA,
        "cloud": cloud.dump(),
        "options": plans[0].result.request.reviewed if plans else {},
        "hosts": [_dump(plan) for plan in plans],
    }
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(document, file, indent=2)
            file.write("\n")
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror}", "give another --out") from error


def load_plans(path: Path) -> SavedPlans:
    """The plans of a file, as far as they are compared.

    :raises ConfigurationError: the file cannot be read or is no plan.
    """
    try:
        document = json.loads(path.read_text("utf-8"))
        found = SavedPlans(
            tuple(_load(host) for host in document["hosts"]),
            CloudIdentity.load(document.get("cloud")),
            None if document.get("options") is None else dict(document["options"]),
        )
        is_ours = document["schema"] == SCHEMA
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror}", "give a readable --plan") from error
    except (ValueError, KeyError, TypeError):
        is_ours = False
    if not is_ours:
        raise ConfigurationError(
            f"{path} is not a nova-decom plan file", "make one: nova-decom plan HOST --out FILE"
        )
    return found


def _dump(plan: Plan) -> dict[str, Any]:
    changes = [
        {
            "step": c.step,
            "action": c.action,
            "target": c.target,
            "rows": c.rows,
            "detail": c.detail,
        }
        for c in plan.changes
    ]
    blocked = [{"guard": f.guard, "message": f.message} for f in plan.blocked]
    return {"host": plan.host, "changes": changes, "blocked": blocked}


def _load(host: dict[str, Any]) -> Plan:
    return Plan(
        host=str(host["host"]),
        findings=tuple(
            Finding(f["guard"], Verdict.BLOCKED, f["message"]) for f in host["blocked"]
        ),
        changes=tuple(_load_change(change) for change in host["changes"]),
        leftovers=(),
        kept=(),
        result=HostFacts(str(host["host"])),
    )


def _load_change(change: dict[str, Any]) -> Change:
    step, action, target, detail = (
        str(change[name]) for name in ("step", "action", "target", "detail")
    )
    rows = None if change["rows"] is None else int(change["rows"])
    return Change(step, action, target, detail, rows)
