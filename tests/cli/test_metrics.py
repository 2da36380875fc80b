# SPDX-License-Identifier: Apache-2.0
"""Metrics of real runs."""

from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from tests.cli.conftest import Hosts
from tests.cli.run import NovaDecom


def samples(path: Path) -> dict[tuple[str, ...], float]:
    """Every sample by its name and the values of its labels."""
    families = text_string_to_metric_families(path.read_text("utf-8"))
    return {(s.name, *s.labels.values()): s.value for f in families for s in f.samples}


def test_remove_verify_and_audit_tell_prometheus(
    decom: NovaDecom, hosts: Hosts, tmp_path: Path
) -> None:
    """Each in its own file: exit code, leftovers by kind, servers left, seconds of the steps."""
    hosts.start("told1")
    path = tmp_path / "run.prom"

    assert decom("verify", "told1", "--metrics-textfile", str(path)).code == 3
    found = samples(path)
    assert found["nova_decom_last_run_exit_code", "verify"] == 3
    assert found["nova_decom_leftovers", "verify", "compute-service"] == 1
    assert found["nova_decom_servers_left", "verify", "told1"] == 0

    assert decom.remove("told1", "--metrics-textfile", str(path)).code == 0
    found = samples(path)
    assert found["nova_decom_last_run_exit_code", "remove"] == 0
    assert found["nova_decom_last_run_changed", "remove"] == 1
    assert found["nova_decom_step_seconds", "remove", "delete-service"] > 0
    assert found["nova_decom_step_seconds", "remove", "verify"] >= 3

    assert decom("audit", "--metrics-textfile", str(path)).code == 0
    assert samples(path)["nova_decom_leftovers_hosts", "audit"] == 0
