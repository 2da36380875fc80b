# SPDX-License-Identifier: Apache-2.0
"""Many hosts in one run: each gets its own result, and running again touches only what is left."""

import json
import re
from collections import Counter
from datetime import datetime
from pathlib import Path

from nova_decom.model.api_call import ABSENT
from tests.cli.conftest import Hosts
from tests.cli.run import NovaDecom
from tests.cli.snapshot import Snapshot
from tests.lab import Lab
from tests.scenarios import states

SETTLE = 10
#: A request in a log of --debug: its method and its path.
SENT = re.compile(r" nova_decom\.clients\.openstack\.api \w+ ([A-Z]+) (/\S*)")
UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
RACK = ("rack-1", "rack-2", "rack-3", "rack-4", "rack-5")
BOUND = ("--timeout", "6", "--settle", "3", "-f", "json")


def test_a_rack_in_which_every_host_is_in_another_state(
    lab: Lab, decom: NovaDecom, hosts: Hosts, snapshot: Snapshot, tmp_path: Path
) -> None:
    """Servers on it, cannot be stopped, not there, half removed, empty: exit 6, each told."""
    full, stubborn, half, *empty = RACK
    hosts.start(*RACK)
    lab.create_servers(1, on=full)
    (hosts.directory(stubborn) / "unstoppable").touch()
    lab.stop_compute(half)
    states.service_removed_by_sql(lab, half)
    names = tmp_path / "rack"
    names.write_text("\n".join(["# row 7", *RACK, "", "rack-6"]))
    command = ("remove", "--hosts-file", str(names), "--yes", "--on-failure", "continue", *BOUND)

    ran = decom(*command, "--batch", "2")

    results = {h["host"]: h["result"] for h in ran.json["hosts"]}
    assert ran.code == 6, ran.shown
    assert _at_work(decom, ran.json["run"]) == 2
    assert "6 hosts selected" in ran.err
    assert results == {
        full: "refused",
        stubborn: "failed",
        half: "removed",
        **dict.fromkeys(empty, "removed"),
        "rack-6": "refused",
    }
    assert {h for h in snapshot.hosts_in("services") if h in RACK} == {full, stubborn}

    again = decom(*command)

    results = {h["host"]: h["result"] for h in again.json["hosts"]}
    assert again.code == 6
    assert results == {
        full: "refused",
        stubborn: "failed",
        **dict.fromkeys((half, *empty), "unchanged"),
        "rack-6": "refused",
    }


def _at_work(decom: NovaDecom, run: str) -> int:
    """The most hosts of a run that had begun and not ended at one time, by its journal."""
    text = (decom.state_dir / "runs" / f"{run}.jsonl").read_text("utf-8")
    now, most = set[str](), 0
    for event in map(json.loads, text.splitlines()):
        if event["event"] == "started":
            now.add(event["host"])
        elif event["event"] == "result":
            now.discard(event["host"])
        most = max(most, len(now))
    return most


def test_hosts_are_chosen_exactly_and_never_more_than_were_meant(
    decom: NovaDecom, hosts: Hosts
) -> None:
    """A glob knows letters, an empty choice is an error, and a large one a refusal."""
    hosts.start("glob-1", "glob-10")

    plan = decom("plan", "--match", "glob-?", "-f", "json")
    assert [h["host"] for h in plan.json["hosts"]] == ["glob-1"]
    assert "1 host selected: glob-1" in plan.err
    assert decom("plan", "--match", "GLOB-*").code == 2
    assert decom("remove", "--aggregate", "no such", "--yes").code == 2
    refused = decom("remove", "--match", "glob-*", "--max-hosts", "1", "--yes", "-f", "json")
    assert refused.code == 4
    findings = [f for h in refused.json["hosts"] for f in h["findings"]]
    blocked = [f["guard"] for f in findings if f["verdict"] == "blocked"]
    assert blocked == ["blast-radius"] * 2


def test_hosts_that_leave_together_share_their_requests(
    lab: Lab, decom: NovaDecom, hosts: Hosts, tmp_path: Path
) -> None:
    """Two writes for each, its providers saved, the rest for all of them or for those left."""
    names = [f"few-{n}" for n in range(1, 7)]
    hosts.start(*names)
    lab.stop_compute(*names)
    log = tmp_path / "log"
    alone = ("--settle", "0", "--stop-with", "none", "--skip-guard", "fleet-healthy", "--yes")

    ran = decom("remove", *names, *alone, "--debug", "--log-file", str(log))

    assert ran.code == 0, ran.shown
    sent = Counter(method + " " + re.sub(UUID, "UUID", path) for method, path in _sent(log))
    assert sent["PUT /os-services/UUID"] == sent["DELETE /os-services/UUID"] == len(names)
    # One request tells that the providers of many hosts are unused; those of few are read one by
    # one, when a host begins more than a second after the plan, and before the delete.
    assert sent["GET /allocation_candidates"] >= 1
    assert sent["GET /resource_providers/UUID/allocations"] <= 2 * len(names)
    # For the plan, perhaps when they begin, and when they end; hosts that end apart ask apart,
    # the more so the slower the machine is.
    assert 2 <= sent["GET /resource_providers"] <= 2 + len(names)
    # What nova deletes with the service is saved before.
    assert sent["GET /resource_providers?in_tree=UUID"] == len(names)
    assert sent["GET /resource_providers/UUID/inventories"] == len(names)
    # The rows of all cells tell the compute nodes.
    assert sent["GET /os-hypervisors/detail"] == 0
    # One list of services a second, while nova still shows the hosts up, and the rest by host.
    assert sent.total() - sent["GET /os-services"] <= 20 * len(names)


def _sent(log: Path) -> list[tuple[str, str]]:
    """Method and path of each request in a log of --debug, those for a right to change apart."""
    sent = SENT.findall(log.read_text("utf-8"))
    tries = [(method, path) for method, path in sent if path.endswith(ABSENT)]
    assert tries == [("PUT", f"/os-services/{ABSENT}"), ("DELETE", f"/os-services/{ABSENT}")]
    return [request for request in sent if request not in tries]


def test_hosts_that_leave_together_share_their_waits(decom: NovaDecom, hosts: Hosts) -> None:
    """Five hosts prove their silence and settle in the time of one, with the default of jobs."""
    names = [f"wait-{n}" for n in range(1, 6)]
    hosts.start(*names)

    ran = decom("remove", *names, "--yes", "--settle", str(SETTLE), "-f", "json")

    assert ran.code == 0, ran.shown
    assert {h["result"] for h in ran.json["hosts"]} == {"removed"}
    (journal,) = (decom.state_dir / "runs").glob("*.jsonl")
    events = [json.loads(line) for line in journal.read_text("utf-8").splitlines()]
    ends = [datetime.fromisoformat(e["at"]) for e in events if e["event"] == "result"]
    assert len(ends) == len(names)
    # One after the other, the last would end four settle times after the first.
    assert (max(ends) - min(ends)).total_seconds() < 2 * SETTLE
