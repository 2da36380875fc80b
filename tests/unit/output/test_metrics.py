# SPDX-License-Identifier: Apache-2.0
"""What Prometheus is told of a run."""

from __future__ import annotations

import os
import stat
import sys
import time

import pytest
from prometheus_client.parser import text_string_to_metric_families

from nova_decom.cli.main import run
from nova_decom.cli.metrics import measure
from nova_decom.model.change import Change, Outcome, Status
from nova_decom.model.plan import Leftover
from nova_decom.model.report import HostReport, Report, Result
from tests.unit import journals

pytestmark = pytest.mark.usefixtures("clean_environment")

LEFT = tuple(Leftover(kind, "x", "x", "x") for kind in ("server", "server", "rows"))
DONE = Outcome(Change("s", "a", "t", "d"), Status.DONE, begun=True)


def told(path):
    """Every sample of a file, by its name and its labels but the command."""
    samples = {}
    for family in text_string_to_metric_families(path.read_text("utf-8")):
        assert family.documentation.endswith(".")
        for sample in family.samples:
            labels = {k: v for k, v in sample.labels.items() if k != "command"}
            assert sample.labels["command"]
            name = sample.name.removeprefix("nova_decom_")
            samples[(name, *labels.values())] = sample.value
    return samples


@pytest.fixture
def file(clean_environment):
    """Where the metrics go."""
    return clean_environment / "run.prom"


def test_a_run_in_numbers(file, clean_environment):
    """When, how it ended, what is left by kind, servers, seconds of each step."""
    journals.full().save(clean_environment / "state")
    before = time.time()
    hosts = (
        HostReport("node1201", Result.LEFTOVERS, (), (DONE,), LEFT),
        HostReport("node1202", Result.REMOVED),
        HostReport("node1203", Result.REFUSED),
    )

    given = {"metrics_textfile": str(file), "state_dir": str(clean_environment / "state")}
    measure(Report("remove", 6, hosts, run=journals.RUN), given)

    samples = told(file)
    assert before <= samples.pop(("last_run_timestamp_seconds",)) <= time.time()
    assert samples == {
        ("last_run_exit_code",): 6,
        ("last_run_changed",): 1,
        ("leftovers", "server"): 2,
        ("leftovers", "rows"): 1,
        ("leftovers_hosts",): 1,
        ("servers_left", "node1201"): 2,
        ("servers_left", "node1202"): 0,
        ("step_seconds", "disable-service"): pytest.approx(0.9),
        ("step_seconds", "move-servers"): pytest.approx(54),
        ("step_seconds", "stop-service"): pytest.approx(53.8),
        ("step_seconds", "delete-service"): pytest.approx(0.3),
        ("step_seconds", "purge-rows"): pytest.approx(0.1),
        ("step_seconds", "verify"): pytest.approx(60.5),
    }


def test_a_run_that_failed_early_is_told_too(file, clean_environment):
    """An alert on the exit code must fire; what is left is not known, so it is not told."""
    code = run(["audit", "--os-cloud", "nowhere", "--metrics-textfile", str(file)])

    samples = told(file)
    assert (code, samples["last_run_exit_code",]) == (2, 2)
    assert ("leftovers_hosts",) not in samples
    assert [p.name for p in clean_environment.iterdir() if "prom" in p.name] == ["run.prom"]


def test_other_commands_leave_the_file_alone(file, clean_environment):
    """The setting may stand in clouds.yaml, where every command reads it."""
    (clean_environment / "clouds.yaml").write_text(
        f"clouds: {{other: {{}}}}\nnova-decom: {{metrics_textfile: {file}}}\n"
    )
    assert run(["list", "--os-cloud", "nowhere"]) == 2
    assert not file.exists()

    assert run(["audit", "--os-cloud", "nowhere"]) == 2
    assert file.exists()


def test_a_name_that_is_no_text_is_told_escaped(file):
    """It comes from other people's databases."""
    hosts = (HostReport("a\ud800\nb", Result.CLEAN),)

    measure(Report("verify", 0, hosts), {"metrics_textfile": str(file)})

    assert told(file)["servers_left", "a\\ud800\\nb"] == 0


def test_the_collector_can_read_it_whatever_the_umask(file):
    """It runs as another user."""
    before = os.umask(0o077)
    try:
        measure(Report("verify", 0), {"metrics_textfile": str(file)})
    finally:
        os.umask(before)

    assert stat.S_IMODE(file.stat().st_mode) == 0o644


def test_the_file_is_replaced_as_a_whole(file):
    """Who reads it meanwhile has all of the old one."""
    measure(Report("verify", 0), {"metrics_textfile": str(file)})
    with file.open() as reader:
        measure(Report("verify", 3), {"metrics_textfile": str(file)})
        assert 'exit_code{command="verify"} 0.0' in reader.read()
    assert told(file)["last_run_exit_code",] == 3


@pytest.mark.parametrize("command", [["remove", "node1", "--yes"], ["verify", "node1"], ["audit"]])
def test_without_the_library_nothing_is_begun(monkeypatch, capsys, file, command):
    """It is said once, with the package to install."""
    monkeypatch.setitem(sys.modules, "prometheus_client", None)

    assert run([*command, "--metrics-textfile", str(file)]) == 2

    err = capsys.readouterr().err
    assert err.count("prometheus_client") == 1
    assert "pip install prometheus_client beside nova-decom" in err


@pytest.mark.parametrize(
    ("name", "says"), [("no/such/dir/x.prom", "is not a directory"), ("x.txt", "end in .prom")]
)
def test_a_file_that_would_never_be_read_is_refused_at_once(capsys, name, says):
    """Rather than found out by an alert that never fires."""
    assert run(["audit", "--metrics-textfile", name]) == 2
    assert says in capsys.readouterr().err


def test_a_disk_that_is_full_at_the_end_changes_no_outcome(capsys, file):
    """The run is over; that the numbers are missing is a warning."""
    file.mkdir()

    measure(Report("verify", 0), {"metrics_textfile": str(file)})

    assert capsys.readouterr().err.startswith("warning: the metrics were not written: ")
