# SPDX-License-Identifier: Apache-2.0
"""The lines that doctor prints for a DBA and for the hosts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nova_decom.cli import doctor
from nova_decom.cli.main import run
from nova_decom.clients.host.ssh import UNITS, sudoers
from nova_decom.clients.mysql import checks
from tests.database.servers.versions import VERSIONS
from tests.lab import releases
from tests.unit.clients.test_host_ssh import box  # noqa: F401 - a fixture

LINE = "decom ALL=(root) NOPASSWD: /usr/bin/systemctl disable --now "

pytestmark = pytest.mark.usefixtures("clean_environment")


def test_without_hosts_the_units_of_all_deployments_are_in_sudoers(capsys):
    """A cloud is not needed for that."""
    assert run(["doctor", "--sudoers"]) == 0

    assert capsys.readouterr().out.splitlines() == [LINE + unit for unit in UNITS]


def test_the_units_of_a_host_are_asked_for(capsys, box):  # noqa: F811 - the fixture
    """Each once, for the user of ssh, in one JSON document where that is asked for."""
    box.unit("devstack@n-cpu.service")

    assert run(["doctor", "node1", "node2", "--sudoers", "-f", "json"]) == 0

    assert json.loads(capsys.readouterr().out)["lines"] == [
        LINE.replace("decom", "ops", 1) + "devstack@n-cpu.service"
    ]


def test_a_host_that_cannot_be_asked_ends_the_command(capsys, box):  # noqa: F811 - the fixture
    """A line that is missing would be missed when nova-compute is to be stopped."""
    box.script("ssh", "echo no route >&2; exit 255")

    assert run(["doctor", "node1", "--sudoers"]) != 0

    shown = capsys.readouterr()
    assert (shown.out, "node1: ssh failed with 255: no route" in shown.err) == ("", True)


def test_signs_that_mean_something_in_sudoers_are_escaped():
    """A unit with such a name ends no line and begins no alias."""
    (line,) = sudoers(["a,b:c=d\\x2d.service"])

    assert line == LINE + r"a\,b\:c\=d\\x2d.service"


def test_grants_without_a_database_are_a_mistake(capsys, tmp_path):
    """With the options that name one."""
    auth = {"auth_url": "http://x", "username": "u", "password": "p", "project_name": "p"}
    clouds = {"c": {"auth": auth | {"user_domain_id": "d", "project_domain_id": "d"}}}
    (tmp_path / "clouds.yaml").write_text(json.dumps({"clouds": clouds}))

    assert run(["doctor", "--grants", "--os-cloud", "c"]) == 2

    assert "give --nova-conf, --api-db-url or --cell-db-url" in capsys.readouterr().err


def test_a_key_that_the_auth_plugin_does_not_know_is_named(capsys, tmp_path):
    """A token needs another auth_type than the usual one."""
    clouds = {"c": {"auth": {"auth_url": "http://x", "token": "t"}}}
    (tmp_path / "clouds.yaml").write_text(json.dumps({"clouds": clouds}))

    assert run(["list", "--os-cloud", "c"]) == 2

    shown = capsys.readouterr().err
    assert "does not fit its auth_type" in shown
    assert "'token'" in shown


@pytest.mark.parametrize(
    ("newest", "said"),
    [
        ("2.104", "microversion 2.104, nova 2026.2 (tried: removals in a lab of 2026.2)"),
        ("2.90", "microversion 2.90, nova Xena or Yoga (tried: removals in a lab of Yoga)"),
        ("2.93", "microversion 2.93, nova Zed (tried: its database schemas, not its API)"),
        ("2.53", "microversion 2.53, of no release that was tried (Queens to 2026.2 were)"),
        (None, "microversion none, of no release that was tried"),
    ],
)
def test_the_release_of_the_cloud_and_how_it_was_tried(newest, said):
    """As docs/releases.md has it."""
    assert doctor._release(newest).startswith(said)


@pytest.mark.parametrize(
    ("version", "said"),
    [
        ("10.11.19-MariaDB-0+deb12u1", "MariaDB 10.11.19"),
        (
            "10.6.21-MariaDB",
            "MariaDB 10.6.21 (not tried; MariaDB 10.11, MariaDB ",
        ),
        ("9.7.4-2", "MySQL 9.7.4"),
        ("8.0.36-28", "MySQL 8.0.36 (not tried; "),
    ],
)
def test_the_database_server_and_how_it_was_tried(version, said):
    """A server that the tests run on has no remark."""
    found = checks._how_tried(version)
    assert found.startswith(said)
    assert ("(" in found) is ("(" in said)


def test_the_servers_that_were_tried_are_those_of_the_tests():
    """As docs/releases.md has them too."""
    page = (Path(__file__).parents[3] / "docs" / "releases.md").read_text()
    assert {name.lower().replace(" ", "-") for name in checks.TRIED} == set(VERSIONS)
    assert all(f"| {name} |" in page for name in checks.TRIED)


def test_the_page_of_releases_has_each_with_its_microversion():
    """Each line of the table names the release."""
    page = (Path(__file__).parents[3] / "docs" / "releases.md").read_text()
    lines = [line for line in page.splitlines() if line.startswith("| ")]

    for microversion, names in doctor.RELEASES.items():
        shown = [line.strip("| ").split(" | ") for line in lines if f"| {microversion} |" in line]
        assert [cells[0] for cells in shown] == names.split(" or ")
        assert [cells[0] for cells in shown if cells[3] != "\N{EN DASH}"] == [
            lab for version, lab in doctor.LAB.items() if version == microversion
        ]


def test_doctor_names_releases_that_the_lab_has():
    assert {name.lower() for name in doctor.LAB.values()} <= set(releases.RELEASES)
