# SPDX-License-Identifier: Apache-2.0
"""Commands in remedies: a name from the cloud is one word, whatever characters it has."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from enum import Enum

import pytest

from nova_decom.cli.commands import cli
from nova_decom.cli.given import GivenOptions
from nova_decom.guards import judge
from nova_decom.model.names import removal
from nova_decom.plan.leftovers import leftovers
from nova_decom.registrars import REGISTRARS, names_of
from nova_decom.registrars.agent_hosting import cure_of_dead_agent
from nova_decom.registrars.blazar import ReservableHost
from nova_decom.registrars.cinder import CinderService
from nova_decom.registrars.ovn_agents import cure_of_ghost
from nova_decom.verify.audit import audit
from nova_decom.verify.readd import safe_to_readd
from tests.unit.audit_cases import FOUND
from tests.unit.audit_clouds import clean
from tests.unit.build import HOST, absent, agent, node_row, provider
from tests.unit.guard_cases import TABLE
from tests.unit.states import ALL_STATES

#: Host names that a shell would split, or take for a command.
NAMES = ("no de1;$(id)|`x`", "o'hara")
COMMAND = re.compile(r"\b(openstack|nova-decom|rabbitmqctl|ovn-sbctl|cinder-manage|ssh) ")
FACTS = [*(case[2] for case in TABLE), *ALL_STATES.values()]


def renamed(value, old, new):
    """The value with the host, and all that is named after it, under another name."""
    if isinstance(value, Enum):
        return value
    if isinstance(value, str):
        return new + value.removeprefix(old) if re.match(rf"{old}($|@)", value) else value
    if isinstance(value, tuple | frozenset | list | set):
        return type(value)(renamed(v, old, new) for v in value)
    if isinstance(value, Mapping):
        return {renamed(k, old, new): renamed(v, old, new) for k, v in value.items()}
    if is_dataclass(value):
        known = {f.name: getattr(value, f.name) for f in fields(value) if f.init}
        return replace(value, **{name: renamed(v, old, new) for name, v in known.items()})
    return value


def remedies_of(facts):
    """All that is said to be typed about a host."""
    yield from (f.remedy for f in judge(facts))
    yield from (x.remedy for x in leftovers(facts))
    yield from (c.remedy for c in safe_to_readd(facts).conditions)
    yield from (record.alone for record in names_of(facts))
    yield from (text for registrar in REGISTRARS for text in registrar.unchecked(facts))


def remedies_of_audit(name):
    """All that an audit says to be typed, where a host that is gone has this name."""
    for question, _case, news, _expected in FOUND:
        for trace in question(clean(**renamed(news, "old", name))):
            yield trace.leftover.remedy
    row = node_row(9, uuid="node-of-old", host="old", hypervisor_hostname=name)
    cloud = clean(providers=(provider("left", name),), rows_of_compute_nodes=(row,))
    yield from (trace.leftover.remedy for trace in audit(cloud))


def remedies_of_records(name):
    """All that is said to be typed about records of other services that have the name."""
    hypervisor = absent(agents_by_hypervisor=(agent(host=name),))
    yield from (x.remedy for x in leftovers(hypervisor))
    yield CinderService("cinder-volume", f"{name}@lvm", is_up=False).cure
    yield ReservableHost("1", name).cure
    yield cure_of_ghost(name)
    yield cure_of_dead_agent(agent(id=name))
    yield cure_of_dead_agent(agent(id=name, agent_type="L3 agent"))


def with_name(remedies, name):
    """The commands that have the name; each has it as one word."""
    found = set()
    for remedy in remedies:
        begin = COMMAND.search(remedy or "")
        command = remedy[begin.start() :] if begin else ""
        if name in command or shlex.quote(name)[1:-1] in command:
            assert name not in re.sub(rf"'[\w.-]*{re.escape(name)}[@\w]*'", "", command)
            found.add(remedy)
    return found


@pytest.mark.parametrize("name", NAMES)
def test_the_name_of_a_host_is_one_word_of_each_command(name):
    """Nova takes any name that a compute service reports; remedies are pasted by root."""
    found = with_name((r for f in FACTS for r in remedies_of(renamed(f, HOST, name))), name)
    found |= with_name(remedies_of_audit(name), name)
    found |= with_name(remedies_of_records(name), name)

    begins = {COMMAND.search(remedy).group(1) for remedy in found}
    assert begins == {
        *("openstack", "nova-decom", "ssh"),
        *("rabbitmqctl", "ovn-sbctl", "cinder-manage"),
    }


@pytest.mark.parametrize("name", [*NAMES, "--aggregate=all", "node1"])
def test_a_removal_is_typed_as_it_is_meant(name):
    """The shell gives the name back, and the command line takes it for a host."""
    _, command, *words = shlex.split(removal(name, "--offline"))
    given = GivenOptions()

    context = cli.commands[command].make_context(command, words, obj=given)

    assert context.params["hosts"] == (name,)
    assert given.values == {"offline": True}


def test_no_command_of_ours_takes_the_name_of_a_host_for_an_option():
    """A host of such a name would choose other hosts."""
    name = "--aggregate=all"
    remedies = [r for f in FACTS for r in remedies_of(renamed(f, HOST, name)) if r]
    ours = [r for r in remedies if re.search(rf"nova-decom [^;]*{name}", r)]

    assert ours
    for remedy in ours:
        assert re.search(rf"nova-decom [a-z]+ (--[a-z-]+(=\S+)? )*-- {name}", remedy), remedy
