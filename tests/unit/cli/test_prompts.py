# SPDX-License-Identifier: Apache-2.0
"""Each prompt as an operator reads it, on a terminal of 80 columns."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import nova_decom
from nova_decom.cli import confirm as confirm_module
from nova_decom.cli import init as init_module
from nova_decom.cli.confirm import confirm
from nova_decom.cli.given import GivenOptions
from nova_decom.cli.init import init
from nova_decom.cli.run import verb_of
from nova_decom.errors import UnconfirmedError
from nova_decom.model.cloud_identity import CloudIdentity
from nova_decom.model.report import planned, refused
from nova_decom.model.request import Servers
from nova_decom.plan import jobs
from nova_decom.plan.planner import make_plan
from nova_decom.restore.plan import plan_restore
from tests.unit import build
from tests.unit.build import facts
from tests.unit.output.test_reading import Terminal
from tests.unit.removed import past, present

PACKAGE = Path(nova_decom.__file__).parent
#: Calls that read a line from the operator.
ASKS = {"click.prompt", "click.confirm", "input", "getpass", "getpass.getpass"}
#: The same by our own functions.
OURS = {"ask", "confirm"}
#: The function that reads the line for all others.
READER = "cli/confirm.py ask"
CLOUD = CloudIdentity("https://keystone.example.org", "north", name="prod")
CLOUDS = "clouds: {lab: {auth: {auth_url: 'http://127.0.0.1:9/v3', username: u, password: p}}}\n"


@dataclass(frozen=True)
class Prompt:
    """The command, the function that asks, what leads to the question, and what is read."""

    command: str
    site: str
    ask: Callable[[Path], Any]
    text: str


def of(verb, *reports, others=(), batch=None, until=None):
    """The confirmation of these plans."""
    settings = SimpleNamespace(color="auto", verbose=0, batch=batch, until=until)
    app: Any = SimpleNamespace(settings=settings, cloud=CLOUD)
    return lambda _: confirm(app, verb, reports, others)


def plan_of(job, *states):
    """The plans of these hosts."""
    return [planned(make_plan(state, job)) for state in states]


def initialize(place):
    """``init`` on a machine with clouds.yaml and no nova.conf."""
    (place / "clouds.yaml").write_text(CLOUDS)
    init(GivenOptions(), place)


MOVES = facts(
    servers=(build.server(), build.server("db")), request=build.request(servers=Servers.LIVE)
)
DISABLED = facts(services=(build.service(status="disabled", disabled_reason="nova-decom x by a"),))

RUN, RESTORE = "cli/run.py _plan_and_run", "cli/restore.py _plan_and_run"
PROMPTS = (
    Prompt(
        "remove",
        RUN,
        of(verb_of(jobs.REMOVE), *plan_of(jobs.REMOVE, facts())),
        """
  Hosts     node1
  Cloud     prod, https://keystone.example.org region north
  Changes   5; not reversible: delete-service, purge-rows
  Warnings  none
Cloud prod: type the host name to remove:
→ type node1 to confirm, or give --yes
""",
    ),
    Prompt(
        "remove",
        RUN,
        of(
            verb_of(jobs.REMOVE),
            *plan_of(jobs.REMOVE, facts("node1", database=None), facts("node2", database=None)),
            others=[refused(make_plan(facts("node3", servers=(build.server(),))), code=4)],
            batch=1,
            until="04:30",
        ),
        """
  Hosts     2: node1, node2
  Cloud     prod, https://keystone.example.org region north
  Order     1 at a time; no host and no move begins from 04:30 on
  Changes   8; not reversible: delete-service
  Warnings  node1: database-access, node2: database-access
Cloud prod: type the number of hosts to remove:
→ type 2 to confirm, or give --yes
""",
    ),
    Prompt(
        "drain",
        RUN,
        of(verb_of(jobs.DRAIN), *plan_of(jobs.DRAIN, MOVES)),
        """
  Hosts     node1
  Cloud     prod, https://keystone.example.org region north
  Changes   3
  Warnings  none
Cloud prod: type the host name to drain:
→ type node1 to confirm, or give --yes
""",
    ),
    Prompt(
        "enable",
        RUN,
        of(verb_of(jobs.BRING_BACK), *plan_of(jobs.BRING_BACK, DISABLED)),
        """
  Hosts     node1
  Cloud     prod, https://keystone.example.org region north
  Changes   1
  Warnings  none
Cloud prod: type the host name to enable and bring servers back:
→ type node1 to confirm, or give --yes
""",
    ),
    Prompt(
        "restore",
        RESTORE,
        of("restore", planned(plan_restore(past(), present()))),
        """
  Hosts     node1
  Cloud     prod, https://keystone.example.org region north
  Changes   3
  Warnings  none
Cloud prod: type the host name to restore:
→ type node1 to confirm, or give --yes
""",
    ),
    Prompt(
        "init",
        "cli/init.py _confirm",
        initialize,
        """
To be added to /clouds.yaml:

nova-decom:
  os_cloud: "lab"
  # nova_conf: FILE  # a controller's nova.conf, for the databases: not found
Add these lines? Type yes:
→ type yes, or give --yes
""",
    ),
)


def called(node):
    """The name of the function that is called."""
    return ast.unparse(node.func) if isinstance(node, ast.Call) else ""


def sites():
    """The functions that ask, as file and name."""
    return {
        f"{path.relative_to(PACKAGE)} {function.name}"
        for path in PACKAGE.rglob("*.py")
        for function in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(function, ast.FunctionDef)
        and any(
            called(node) in (ASKS | OURS if path.parent.name == "cli" else ASKS)
            for node in ast.walk(function)
        )
    }


def test_each_prompt_has_its_text_here():
    """A new question, or a job that asks now, needs an entry in the table."""
    confirming = {"cli/confirm.py confirm"}
    asking = {job.name for job in vars(jobs).values() if isinstance(job, jobs.Job) and job.asks}

    assert sites() - {READER} - confirming == {prompt.site for prompt in PROMPTS}
    assert {prompt.command for prompt in PROMPTS if prompt.site == RUN} == asking


@pytest.mark.parametrize("prompt", PROMPTS, ids=lambda p: p.command)
def test_a_prompt_is_read_so_at_80_columns(clean_environment, monkeypatch, prompt):
    """All of it that stands below the plan; another answer changes nothing."""
    terminal = Terminal()
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: True))

    def no(question):
        terminal.write(f"{question}: \n")
        return "no"

    monkeypatch.setattr(confirm_module, "ask", no)
    monkeypatch.setattr(init_module, "ask", no)

    with pytest.raises(UnconfirmedError) as error:
        prompt.ask(clean_environment)

    plain = re.sub(r"\x1b\[[0-9;]*m", "", terminal.getvalue())
    shown = plain[max(plain.find("\n  Hosts "), 0) :].replace(str(clean_environment), "")
    lines = [line.rstrip() for line in shown.splitlines()]
    assert "\n".join([*lines, f"→ {error.value.remedy}"]).strip() == prompt.text.strip()
    assert max(map(len, lines)) <= 80
