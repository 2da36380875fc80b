# SPDX-License-Identifier: Apache-2.0
"""Two controllers, two state directories, one host: nova's own record is the lock."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from nova_decom.clients.lock_service import shared_locks
from nova_decom.model.claim import new_claim, with_expiry
from tests.cli.conftest import Hosts
from tests.cli.run import NovaDecom
from tests.cli.snapshot import Snapshot
from tests.lab import Lab

OTHER = "20261101T000000Z-0000"


@pytest.fixture
def elsewhere(lab: Lab, decom: NovaDecom) -> NovaDecom:
    """The program on another machine."""
    return NovaDecom(lab, decom.state_dir.parent / "elsewhere")


def claim_of_another(lab: Lab, host: str, until: datetime) -> str:
    """A claim on the host that no run of ours has written."""
    text = with_expiry(new_claim(OTHER, "ops@far", "rack 9"), until)
    compute = lab.connection().compute
    (service,) = compute.services(host=host, binary="nova-compute")
    compute.disable_service(service, disabled_reason=text)
    return text


def reason(lab: Lab, host: str) -> str:
    (service,) = lab.connection().compute.services(host=host, binary="nova-compute")
    return str(service.disabled_reason)


def test_of_two_runs_at_once_one_goes_on(
    lab: Lab, decom: NovaDecom, elsewhere: NovaDecom, hosts: Hosts, snapshot: Snapshot
) -> None:
    """The other one exits 75 and names the holder; nothing is deleted twice."""
    hosts.start("twice1")
    with ThreadPoolExecutor() as pool:
        runs = list(pool.map(lambda program: program.remove("twice1"), (decom, elsewhere)))

    assert sorted(ran.code for ran in runs) == [0, 75], [ran.shown for ran in runs]
    winner, loser = sorted(runs, key=lambda ran: ran.code)
    assert winner.host["result"] == "removed"
    assert f"run {winner.json['run']} by " in loser.host["error"]["message"]
    assert not [c for c in loser.changes("done") if c not in LIGHT]
    assert snapshot.traces_of("twice1") == set()
    assert not lab.compute_running("twice1")


def test_a_lock_service_lets_one_of_two_machines_begin(
    lab: Lab, decom: NovaDecom, elsewhere: NovaDecom, hosts: Hosts, tmp_path: Path
) -> None:
    """The other one exits 75 and changes nothing; it goes on when that has ended."""
    hosts.start("locked1")
    service = ("--lock-url", f"file://{tmp_path}")
    with shared_locks(service[1], ["locked1"]):
        refused = decom.remove("locked1", *service)
    assert refused.code == 75, refused.shown
    assert "locked1 is held by another run, at the lock service" in refused.out
    assert lab.compute_running("locked1")

    with ThreadPoolExecutor() as pool:
        runs = list(pool.map(lambda run: run.remove("locked1", *service), (decom, elsewhere)))

    assert sorted(ran.code for ran in runs) == [0, 75], [ran.shown for ran in runs]
    winner, loser = sorted(runs, key=lambda ran: ran.code)
    assert winner.host["result"] == "removed"
    assert not loser.changes("done")


LIGHT = {"disable-service disable", "stop-service stop", "stop-service prove"}


def test_a_live_claim_of_another_machine_is_respected_and_can_be_taken_over(
    lab: Lab, decom: NovaDecom, hosts: Hosts, snapshot: Snapshot
) -> None:
    """Exit 75 before anything is done; --skip-guard foreign-disable is the operator's word."""
    hosts.start("held1")
    text = claim_of_another(lab, "held1", datetime.now(UTC) + timedelta(hours=1))
    before = snapshot.rows_of("held1")

    ran = decom.remove("held1")

    assert ran.code == 75, ran.shown
    assert f"run {OTHER} by ops@far holds the host" in ran.host["error"]["message"]
    assert "--skip-guard foreign-disable" in ran.host["error"]["remedy"]
    assert reason(lab, "held1") == text
    assert snapshot.rows_of("held1").keys() == before.keys()

    taken = decom.remove("held1", "--skip-guard", "foreign-disable")
    assert taken.code == 0, taken.shown


def test_a_claim_that_has_lapsed_is_taken_over(lab: Lab, decom: NovaDecom, hosts: Hosts) -> None:
    """Its run must be dead: every wait of a run is bounded."""
    hosts.start("lapsed1")
    claim_of_another(lab, "lapsed1", datetime.now(UTC) - timedelta(minutes=2))

    ran = decom.remove("lapsed1")

    assert ran.code == 0, ran.shown
    assert "disable-service disable" in ran.changes("done")


def test_a_run_that_failed_lets_go_of_its_host(
    lab: Lab, decom: NovaDecom, elsewhere: NovaDecom, hosts: Hosts
) -> None:
    """The host stays disabled under its name, and anybody goes on at once; restore enables it."""
    hosts.start("failed1")
    (hosts.directory("failed1") / "unstoppable").touch()
    failed = decom.remove("failed1", "--timeout", "6", "--reason", "rack 7")
    assert failed.code == 5
    run = failed.json["run"]
    assert reason(lab, "failed1").startswith(f"nova-decom {run} by ")
    assert " until " not in reason(lab, "failed1")
    assert reason(lab, "failed1").endswith(": rack 7")

    (hosts.directory("failed1") / "unstoppable").unlink()
    back = decom("restore", run, "--yes", "-f", "json")
    assert back.code == 0, back.shown
    assert back.changes("done") == ["restore-service enable"]
    (service,) = lab.connection().compute.services(host="failed1", binary="nova-compute")
    assert (service.status, service.disabled_reason) == ("enabled", None)

    assert elsewhere.remove("failed1").code == 0


def test_a_host_that_somebody_else_disabled_is_removed_with_a_warning(
    lab: Lab, decom: NovaDecom, hosts: Hosts
) -> None:
    """Their words are shown, and come back with the host."""
    hosts.start("broken1")
    compute = lab.connection().compute
    (service,) = compute.services(host="broken1", binary="nova-compute")
    compute.disable_service(service, disabled_reason="broken fan")

    ran = decom.remove("broken1")

    assert ran.code == 0, ran.shown
    (finding,) = [f for f in ran.host["findings"] if f["guard"] == "foreign-disable"]
    assert (finding["verdict"], "'broken fan'" in finding["message"]) == ("warning", True)
    back = decom("restore", ran.json["run"], "--yes", "-f", "json")
    assert back.code == 0, back.shown
    assert reason(lab, "broken1") == "broken fan"
