# SPDX-License-Identifier: Apache-2.0
"""Whoever types what a page says sees what the page shows."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.examples import PAGES, Block, Command, blocks, missing
from tests.docs.setups import SETUPS
from tests.docs.shell import Shell
from tests.lab import Lab
from tests.lab.waiting import wait_until
from tests.scenarios import states
from tests.scenarios.calls import rows

FOUND = {path: tuple(blocks(path.read_text("utf-8"))) for path in PAGES}
RUNNABLE = [p for p, found in FOUND.items() if any(b.not_run is None for b in found)]
KEPT = ("node1", "node2", "node3")
#: A service that has just registered has no heartbeat to show.
SILENT = "SELECT id FROM services WHERE deleted = 0 AND host IN %s AND updated_at IS NULL"


@pytest.fixture
def shell(lab: Lab, tmp_path: Path) -> Iterator[Shell]:
    """A shell in a directory of its own, on the lab, without traces of other pages."""
    environment = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "LANG": "C.UTF-8",
        "NOVA_DECOM_LAB": str(lab.layout.root),
        **{n: v for n, v in os.environ.items() if n == "NOVA_DECOM_LAB_CACHE"},
        **lab.env(),
        "NOVA_DECOM_SETTLE": "2",
    }
    lab.start_compute(*(h for h in KEPT if not _is_ready(lab, h)))
    wait_until(lambda: not rows(lab, "nova", SILENT, KEPT), timeout=60, what="every heartbeat")
    before = _servers(lab)
    with Shell(tmp_path, environment) as opened:
        yield opened
    lab.delete_servers(*(_servers(lab) - before))
    used = [h.name for h in lab.hosts.all() if h.name not in KEPT]
    states.forget(lab, [*used, *KEPT])
    for host in used:
        lab.purge_host(host)


def _servers(lab: Lab) -> set[str]:
    return {uuid for (uuid,) in rows(lab, "nova", "SELECT uuid FROM instances WHERE deleted = 0")}


def _is_ready(lab: Lab, host: str) -> bool:
    return lab.hosts.get(host) is not None and lab.compute_running(host)


@pytest.mark.parametrize("path", RUNNABLE, ids=lambda path: path.stem)
def test_a_page_does_what_it_says(path: Path, lab: Lab, shell: Shell) -> None:
    """Each command ends as the page says, and shows what the page shows."""
    for block in FOUND[path]:
        if block.not_run is None:
            _follow(block, lab, shell, path)


def _follow(block: Block, lab: Lab, shell: Shell, path: Path) -> None:
    for setup in block.setups:
        name, *arguments = setup.split()
        told = SETUPS[name](lab, *arguments)
        if told is not None:
            shell.run(told)
    for command in block.commands:
        code, seen = _run(command, shell)
        where = f"{path.name}, block of line {block.line}: {command.text}\n{seen}"
        assert code == command.code, f"{where}\nexit {code}, not {command.code}"
        lacking = missing(command.output, seen) if command.output else None
        assert lacking is None, f"{where}\ndoes not show: {lacking}"


def _run(command: Command, shell: Shell) -> tuple[int, str]:
    if command.types is not None:
        return shell.answer(command.text, command.types)
    return shell.run(command.text)
