# SPDX-License-Identifier: Apache-2.0
"""What the program loads before it has anything to do."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

HEAVY = ["openstack", "keystoneauth1", "pymysql", "sqlalchemy", "oslo_config", "tenacity"]
SCRIPT = """
import json, sys
from nova_decom.cli.main import run
code = run(json.loads(sys.argv[1])) if sys.argv[1] != "null" else None
print(json.dumps([code, sorted(m for m in sys.modules if "." not in m)]), file=sys.stderr)
"""


def start(arguments):
    """Run it in a fresh interpreter: output, exit code, modules loaded."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, json.dumps(arguments)],
        capture_output=True,
        text=True,
        check=True,
    )
    code, modules = json.loads(done.stderr)
    return done.stdout, code, modules


@pytest.mark.parametrize(
    ("arguments", "says", "not_loaded"),
    [
        (["--help"], "Usage: nova-decom [OPTIONS]", [*HEAVY, "rich", "yaml"]),
        (["--version"], "nova-decom, version ", [*HEAVY, "rich", "yaml"]),
        (["remove", "--help"], "--settle", [*HEAVY, "rich", "yaml"]),
        (["steps"], "delete-service", HEAVY),
        (["steps", "-f", "json"], '"schema": "nova-decom/1"', [*HEAVY, "rich"]),
    ],
    ids=["help", "version", "help of a command", "steps", "steps as JSON"],
)
def test_nothing_heavy_is_loaded_for_a_look_at_the_program_itself(arguments, says, not_loaded):
    """Help and shell completion come at once."""
    out, code, modules = start(arguments)

    assert says in out
    assert code == 0
    assert set(modules) & set(not_loaded) == set()


def test_importing_the_program_loads_nothing_heavy():
    """Whoever asks for an exit code does not load the SDK."""
    _, _, modules = start(None)

    assert set(modules) & {*HEAVY, "rich", "yaml"} == set()


def test_a_removal_loads_what_it_needs_and_no_more():
    """Not what reads a nova.conf, odd URLs, or a journal to restore from."""
    loaded = subprocess.run(
        [sys.executable, "-c", "import nova_decom.cli.remove, sys; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()

    assert {"openstack", "pymysql"} <= set(loaded)
    assert set(loaded) & {"oslo_config", "sqlalchemy", "tooz", "nova_decom.restore"} == set()


def test_the_package_is_a_program():
    """``python -m nova_decom`` is ``nova-decom``, exit codes included."""
    done = subprocess.run(
        [sys.executable, "-m", "nova_decom", "no-such-command"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout) == (2, "")
    assert "→ nova-decom --help" in done.stderr


@pytest.mark.parametrize("arguments", [["steps"], ["steps", "-f", "json"]])
def test_a_reader_that_has_enough_is_no_error(arguments):
    """``nova-decom steps | head -1`` did what it should."""
    reader, writer = pipe()
    reader.close()
    with writer:
        done = subprocess.run(
            [sys.executable, "-m", "nova_decom", *arguments],
            stdout=writer,
            stderr=subprocess.PIPE,
            check=False,
        )

    assert (done.returncode, done.stderr) == (0, b"")


def pipe():
    """Both ends of a pipe as files."""
    read, write = os.pipe()
    return os.fdopen(read, "rb"), os.fdopen(write, "wb")


def test_a_thread_that_a_library_left_behind_keeps_no_process_from_ending():
    """A client of a lock service may wait for ever in one; the result is on stdout."""
    script = (
        "import threading\n"
        "from nova_decom.cli.main import main\n"
        "threading.Thread(target=threading.Event().wait).start()\n"
        "main(['steps', '-f', 'json'])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, check=False, timeout=120
    )

    assert (done.returncode, done.stderr) == (0, b"")
    assert json.loads(done.stdout)["exit_code"] == 0
