# SPDX-License-Identifier: Apache-2.0
"""Journals of runs that show all that a report can show."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from nova_decom.model.cloud_identity import CloudIdentity

RUN = "20261123T041500Z-7f3a"
START = datetime(2026, 11, 23, 4, 15, tzinfo=UTC)
SERVICE = "7827aafb-c9ae-4b7b-b388-124142860a69"
NODE = "40489768-3fb8-4263-9026-64577e7cd621"
EVIL = '<script>alert("x")</script><img src="http://evil.example/x.png" onerror=alert(1)>'


class Writer:
    """Writes events as a run would, at seconds after its start."""

    def __init__(self, run=RUN):
        """Nothing yet."""
        self.run, self.lines = run, []

    def event(self, second, kind, **data):
        """One event."""
        at = (START + timedelta(seconds=second)).isoformat(timespec="milliseconds")
        self.lines.append({"v": 1, "at": at, "run": self.run, "event": kind, **data})

    def change(self, host, step, action, begin, end, status="done", **more):
        """One change, begun and ended; without an end it still goes on."""
        told = {"target": SERVICE, "detail": f"{step} of {host}", "rows": None, **more}
        about = {"host": host, "step": step, "action": action}
        error, request = told.pop("error", None), told.pop("request_id", None)
        to = told.pop("to", None)
        self.event(begin, "started", **about, **told)
        if end is not None:
            self.event(end, status, **about, **told, error=error, request_id=request, to=to)

    def save(self, state):
        """Write it where the program looks for it."""
        (state / "runs").mkdir(parents=True, mode=0o700, exist_ok=True)
        lines = sorted(self.lines, key=lambda e: e["at"])
        text = "".join(json.dumps(line) + "\n" for line in lines)
        (state / "runs" / f"{self.run}.jsonl").write_text(text, "utf-8")
        return state


def header(journal, *hosts, reason="rack 12 retired", **more):
    """Who, why, which hosts."""
    journal.event(
        0,
        "header",
        command="remove",
        hosts=list(hosts),
        by="anna@controller1",
        reason=reason,
        options={"os_cloud": "production", "nova_conf": "/etc/nova/nova.conf", "yes": True,
                 "skip_guard": ["last-host"], "api_db_url": "(given)"} | more,
        version="0.1.0",
        compute="2.104",
        global_request_id="req-e7b82183-dc47-5bc0-b0e0-4a665035a239",
        cloud=CloudIdentity("https://keystone.example.org", "north", name="prod").dump(),
    )  # fmt: skip


def findings(journal, host, second=0.4, **verdicts):
    """All guards are content, but those named."""
    names = ("host-known", "host-exact", "cells-answering", "last-host", "servers-present",
             "migrations-active", "service-alive", "node-owner", "ironic", "pci-allocated",
             "database-access")  # fmt: skip
    found = [
        {
            "guard": n,
            "verdict": verdicts.get(n.replace("-", "_"), "ok"),
            "message": f"What {n} saw of {host}.",
            "remedy": None if n.replace("-", "_") not in verdicts else f"--skip-guard {n}",
        }
        for n in names
    ]
    journal.event(second, "findings", host=host, findings=found)


def before(journal, host, second=0.5):
    """What there was of the host."""
    service = {"id": SERVICE, "binary": "nova-compute", "host": host, "zone": "nova",
               "status": "enabled", "state": "up"}  # fmt: skip
    facts = {
        "services": [service],
        "compute_nodes": [{"uuid": NODE, "host": host, "hypervisor_hostname": f"{host}.example"}],
        "aggregates": [{"id": 7, "name": "fast-ssd", "hosts": [host, "node9"]}],
        "providers": [{"uuid": NODE, "name": f"{host}.example", "root": NODE, "parent": None}],
        "allocations": [],
        "agents": [{"id": "a1", "agent_type": "Open vSwitch agent", "binary": "ovs-agent"}],
        "host_mapping": {"id": 11, "cell": "529c44ae-6d51-4b8f-b8b4-2093a2ce17df"},
    }
    journal.event(second, "before", host=host, facts=facts)


SQL = (
    "SELECT * FROM compute_nodes WHERE id IN (6) AND host = 'node1201' FOR UPDATE; "
    "SELECT * FROM services WHERE id IN (9) AND host = 'node1201' FOR UPDATE; "
    "SELECT id, host FROM instances WHERE host = 'node1201' AND deleted = 0 FOR UPDATE; "
    "DELETE FROM compute_nodes WHERE id IN (6) AND host = 'node1201'; "
    "DELETE FROM services WHERE id IN (9) AND host = 'node1201'"
)


def full(*, reason="rack 12 retired, ticket CHG-4711"):
    """One host removed with all its servers moved, one that failed, one not begun."""
    journal = Writer()
    header(journal, "node1201", "node1202", "node1203", reason=reason)
    findings(journal, "node1201", last_host="warning")
    before(journal, "node1201")
    reason = f"nova-decom {RUN} by anna@controller1: rack 12 retired"
    put = f'PUT /os-services/{SERVICE} {{"status": "disabled", "disabled_reason": "{reason}"}}'
    journal.change("node1201", "disable-service", "disable", 0.6, 1.0, detail=put,
                   request_id="req-cdcd31d5-de78-4f98-b447-6ac21e39d83c")  # fmt: skip
    for number in range(6):
        begin = 1.5 + 7 * (number // 2) + number
        journal.change(
            "node1201",
            "move-servers",
            "live-migrate",
            begin,
            begin + 6 + 3 * (number % 3),
            target=f"web-{number + 1}",
            detail=f"POST /servers/{number}/action os-migrateLive",
            to=f"node13{number:02}",
        )
    journal.change("node1201", "stop-service", "stop", 32, 35.3, target="node1201",
                   detail="ssh node1201: systemctl disable --now nova-compute")  # fmt: skip
    journal.change("node1201", "stop-service", "prove", 35.3, 55.8,
                   detail="the heartbeat must not change for 20 s")  # fmt: skip
    journal.change("node1201", "delete-service", "delete", 56, 56.3,
                   detail=f"DELETE /os-services/{SERVICE}", request_id="req-711cda52")  # fmt: skip
    journal.event(56.4, "before-image", host="node1201", database="nova at db1", table="services",
                  rows=[{"id": 9, "host": "node1201"}])  # fmt: skip
    journal.change("node1201", "purge-rows", "delete", 56.4, 56.5, detail=SQL, rows=2,
                   target="cell1: compute_nodes 6, services 9")  # fmt: skip
    journal.event(117, "result", host="node1201", result="removed", exit_code=0, error=None,
                  remedy=None, leftovers=[], unchecked=["hosts of other regions"])  # fmt: skip
    findings(journal, "node1202", 117.3)
    before(journal, "node1202", 117.4)
    journal.change("node1202", "disable-service", "disable", 117.6, 118.1)
    journal.change("node1202", "stop-service", "stop", 118.2, 148.2, "failed", target="node1202",
                   error="node1202: ssh: Connection timed out")  # fmt: skip
    left = {"kind": "compute-service", "target": SERVICE, "detail": "nova-compute is registered",
            "remedy": "nova-decom remove node1202"}  # fmt: skip
    journal.event(148.3, "result", host="node1202", result="failed", exit_code=1,
                  error="node1202: ssh: Connection timed out",
                  remedy="mend ssh, or stop it yourself and give --stop-with none",
                  leftovers=[left], unchecked=[])  # fmt: skip
    return journal


def hostile():
    """Every text that others choose tries to become markup."""
    journal = Writer()
    header(journal, EVIL, reason=EVIL, **{EVIL: EVIL})
    findings(journal, EVIL, ironic="blocked")
    before(journal, EVIL)
    for status in ("done", "failed"):
        journal.change(EVIL, "move-servers", EVIL, 1, 2, status, target=EVIL, detail=EVIL * 3,
                       error=EVIL, request_id=EVIL, to=EVIL)  # fmt: skip
    left = dict.fromkeys(("kind", "target", "detail", "remedy"), EVIL)
    journal.event(3, "result", host=EVIL, result=EVIL, exit_code=1, error=EVIL, remedy=EVIL,
                  leftovers=[left], unchecked=[EVIL])  # fmt: skip
    return journal
