# SPDX-License-Identifier: Apache-2.0
"""The playbook on a real Nova: in check mode, for real, and again."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.ansible.environment import CHECKOUT, variables
from tests.cli.conftest import Hosts
from tests.cli.run import PROGRAM, NovaDecom
from tests.cli.snapshot import Snapshot
from tests.lab import Lab
from tests.scenarios import calls

pytestmark = pytest.mark.lab

RACK = "nova_decom.compute.rack"
RECAP = re.compile(
    r"^(\S+) +: ok=(\d+) +changed=(\d+) +unreachable=\d+ +failed=(\d+)", re.MULTILINE
)


@dataclass(frozen=True)
class Played:
    """What ansible-playbook said at the end."""

    code: int
    text: str

    @property
    def recap(self) -> dict[str, tuple[int, int, int]]:
        """Of each host: ok, changed, failed."""
        return {h: (int(a), int(b), int(c)) for h, a, b, c in RECAP.findall(self.text)}


Play = Callable[..., Played]


@pytest.fixture
def play(programs: Path, collection: Path, lab: Lab, decom: NovaDecom, tmp_path: Path) -> Play:
    """Run ansible-playbook on a rack of these hosts, which Ansible itself cannot reach."""

    def run(rack: tuple[str, ...], *arguments: str, playbook: str = RACK) -> Played:
        given = {"decommission_reason": "rack 12 retired", "decommission_settle": 3}
        given |= {"decommission_executable": str(PROGRAM)}
        local = {"ansible_connection": "local"}
        inventory = {
            "all": {"hosts": {"localhost": local}},
            "rack_12": {"hosts": {name: {} for name in rack}, "vars": given},
        }
        (tmp_path / "inventory.yml").write_text(yaml.safe_dump(inventory))
        mine = variables()
        environment = (
            mine
            | lab.env()
            | {
                "PATH": f"{PROGRAM.parent}:{mine['PATH']}",
                "NOVA_DECOM_STATE_DIR": str(decom.state_dir),
                "ANSIBLE_COLLECTIONS_PATH": str(collection.parents[2]),
                "ANSIBLE_PYTHON_INTERPRETER": str(programs / "python"),
                "ANSIBLE_NOCOLOR": "1",
            }
        )
        program = str(programs / "ansible-playbook")
        where = ["-i", str(tmp_path / "inventory.yml"), "-e", "rack=rack_12"]
        done = subprocess.run(
            [program, *where, *arguments, playbook],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode or "WARNING" not in done.stdout + done.stderr, done.stderr
        return Played(done.returncode, done.stdout + done.stderr)

    return run


def test_a_rack_leaves_once(play: Play, hosts: Hosts, snapshot: Snapshot, lab: Lab) -> None:
    """Check mode changes nothing and shows all; then every host is changed; then every one ok."""
    rack = ("rack1", "rack2")
    hosts.start(*rack)
    before = {name: snapshot.rows_of(name) for name in rack}

    checked = play(rack, "--check", "--diff")

    assert checked.code == 0, checked.text
    # One task for all: it counts for the first host. Before it: the checks of the role.
    assert checked.recap == {"rack1": (3, 1, 0), "rack2": (1, 0, 0)}
    assert "\n-rack1: delete-service delete: DELETE /os-services/" in checked.text
    assert re.search(
        r"\n-rack2: purge-rows .* in one transaction\n-    SELECT .*;\n", checked.text
    )
    assert {name: snapshot.rows_of(name) for name in rack} == before
    assert all(lab.compute_running(name) for name in rack)

    first = play(rack)

    assert first.code == 0, first.text
    assert first.recap == checked.recap
    assert [snapshot.traces_of(name) for name in rack] == [set(), set()]

    again = play(rack, "-e", "rack_serial=1")

    assert again.code == 0, again.text
    # A batch of one host is a run of its own.
    assert again.recap == dict.fromkeys(rack, (3, 0, 0))

    audited = play(rack, "-e", f"audit_executable={PROGRAM}", playbook="nova_decom.compute.audit")
    assert (audited.code, audited.recap) == (0, {"localhost": (2, 0, 0)}), audited.text


def test_a_refusal_ends_the_play(play: Play, snapshot: Snapshot) -> None:
    """A host that nothing knows fails, and nothing is changed."""
    before = snapshot.checksums()

    played = play(("nodd1",))

    assert played.code == 2
    assert played.recap == {"nodd1": (2, 0, 1)}
    assert "host-known" in played.text

    assert snapshot.checksums() == before


def test_a_group_that_is_misspelt_fails(play: Play) -> None:
    """Ansible alone would skip a play without hosts, and end with 0."""
    for playbook in (RACK, "nova_decom.compute.rolling_reboot"):
        misspelt = play(("node2",), "-e", "rack=rak_12", playbook=playbook)
        assert misspelt.code != 0
        assert "no host of the inventory is in rak_12" in misspelt.text


def test_the_plain_command_of_the_docs(
    play: Play, hosts: Hosts, snapshot: Snapshot, tmp_path: Path
) -> None:
    """docs/ansible.md shows tasks for who has no collection; they do the same."""
    hosts.start("rack3")
    text = (CHECKOUT / "docs" / "ansible.md").read_text("utf-8")
    blocks = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    tasks = [
        task for block in blocks if "builtin.command" in block for task in yaml.safe_load(block)
    ]
    assert len(tasks) == 2
    for task in tasks:
        task["delegate_to"] = "localhost"
    tasks[0]["environment"] = {"NOVA_DECOM_SETTLE": "3"}
    page = [{"hosts": "rack_12", "gather_facts": False, "tasks": tasks}]
    (tmp_path / "plain.yml").write_text(yaml.safe_dump(page))
    plain = str(tmp_path / "plain.yml")
    before = snapshot.rows_of("rack3")

    checked = play(("rack3",), "--check", playbook=plain)
    assert checked.recap == {"rack3": (2, 1, 0)}, checked.text
    assert snapshot.rows_of("rack3") == before

    assert play(("rack3",), playbook=plain).recap == {"rack3": (2, 1, 0)}
    assert snapshot.traces_of("rack3") == set()
    again = play(("rack3",), playbook=plain)
    assert again.recap == {"rack3": (2, 0, 0)}, again.text


def test_hosts_restart_one_after_the_other(
    play: Play, hosts: Hosts, lab: Lab, tmp_path: Path
) -> None:
    """Each is emptied, restarted and filled again, before the next one begins."""
    hosts.start("roll1", "roll2")
    (server,) = lab.create_servers(1, on="roll1")
    restart = tmp_path / "restart-host"
    python = f"NOVA_DECOM_LAB={lab.layout.root} {sys.executable} -m tests.lab compute"
    restart.write_text(
        f"#!/bin/sh -e\ncd {CHECKOUT}\necho $1 >> {tmp_path}/restarted\n"
        f"nova-decom list $1 -f value -c status -c servers >> {tmp_path}/restarted\n"
        f"{python} stop $1\n{python} start $1\n"
    )
    restart.chmod(0o700)
    given = {
        "rolling_reboot_program": str(PROGRAM),
        "rolling_reboot_command": f"{restart} {{{{ inventory_hostname }}}}",
        "rolling_reboot_delay": 1,
    }

    played = play(
        ("roll1", "roll2"), "-e", json.dumps(given), playbook="nova_decom.compute.rolling_reboot"
    )

    assert played.code == 0, played.text
    assert played.recap == dict.fromkeys(("roll1", "roll2"), (5, 3, 0))
    restarted = (tmp_path / "restarted").read_text().split("\n")
    assert restarted[:4] == ["roll1", "disabled -", "roll2", "disabled -"]
    after = calls.show(lab, server)
    assert (after["OS-EXT-SRV-ATTR:host"], after["status"]) == ("roll1", "ACTIVE")
