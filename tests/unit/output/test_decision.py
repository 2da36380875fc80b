# SPDX-License-Identifier: Apache-2.0
"""The lines above the confirmation."""

import io

import pytest
from rich.console import Console

from nova_decom.model.cloud_identity import CloudIdentity
from nova_decom.model.report import planned
from nova_decom.output.decision import print_cloud, print_decision
from nova_decom.plan.planner import make_plan
from tests.unit.build import facts

CLOUD = CloudIdentity("https://keystone.example.org", "north", name="prod")


def shown(*states):
    """The lines for the plans of these hosts, as a file gets them."""
    out = Console(file=io.StringIO(), width=80)
    print_decision(out, CLOUD, [planned(make_plan(state)) for state in states])
    return out.file.getvalue()


def test_host_cloud_changes_and_warnings_come_last_before_the_prompt():
    """With the steps after which the host cannot simply be enabled again."""
    count = len(make_plan(facts()).changes)

    text = shown(facts())

    assert text.splitlines()[1:] == [
        "  Hosts     node1",
        "  Cloud     prod, https://keystone.example.org region north",
        f"  Changes   {count}; not reversible: delete-service, purge-rows",
        "  Warnings  none",
    ]


@pytest.mark.parametrize("hosts", [["node1"], ["node1", "node2"]])
def test_warnings_name_the_guard_and_of_several_hosts_the_host(hosts):
    """Without databases, nobody looks at rows: that is a warning."""
    text = shown(*(facts(host, database=None) for host in hosts))

    names = ["database-access"] if len(hosts) == 1 else [f"{h}: database-access" for h in hosts]
    assert f"  Warnings  {', '.join(names)}" in text
    assert ("  Hosts     2: node1, node2" in text) == (len(hosts) == 2)


@pytest.mark.parametrize(
    ("databases", "named"),
    [
        (["nova_api at db:3306"], "nova_api at db:3306"),
        (["a", "b"], "a, b"),
        ([], "none, so only the API is used"),
    ],
)
def test_the_first_line_names_the_cloud_and_its_databases(databases, named):
    """Two clouds look alike, and their databases need not be theirs."""
    out = Console(file=io.StringIO(), width=80)

    print_cloud(out, CLOUD, databases)

    expected = f"Cloud  prod, https://keystone.example.org region north; databases: {named}"
    assert " ".join(out.file.getvalue().split()) == " ".join(expected.split())


def test_batches_and_the_end_of_the_window_are_confirmed_too():
    """Where they are given."""
    out = Console(file=io.StringIO(), width=80)

    print_decision(out, CLOUD, [planned(make_plan(facts()))], ["2 at a time", "x from 04:00 on"])

    assert "  Order     2 at a time; x from 04:00 on\n" in out.file.getvalue()
