# SPDX-License-Identifier: Apache-2.0
"""The servers that a drain moves, where only some are chosen."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from nova_decom.cli.servers import chosen, with_chosen
from nova_decom.cli.settings import resolve
from nova_decom.errors import ConfigurationError
from nova_decom.exit_codes import ExitCode
from tests.unit.build import facts, server

WEB, DB = server("web", project="p1"), server("db", project="p1")
OTHER = server("web", id="other", project="p2")
SERVERS = (WEB, DB, OTHER)
NAMES = {"red": ("p1",), "blue": ("p2",), "twice": ("p1", "p2"), "empty": ("p3",)}


def projects(name):
    """As keystone knows them."""
    return NAMES.get(name, ())


CHOICES = [
    ("a project by id", ["p1"], [], {WEB.id, DB.id}),
    ("a project by name", ["blue"], [], {OTHER.id}),
    ("two projects", ["red", "p2"], [], {WEB.id, DB.id, OTHER.id}),
    ("a server by name", [], ["db"], {DB.id}),
    ("a server by UUID", [], ["other"], {OTHER.id}),
    ("two servers", [], ["db", "other"], {DB.id, OTHER.id}),
    ("a name that two have, of one project", ["p2"], ["web"], {OTHER.id}),
]


@pytest.mark.parametrize(
    ("of", "named", "ids"), [pytest.param(*rest, id=c) for c, *rest in CHOICES]
)
def test_servers_are_chosen_by_project_name_and_uuid(of, named, ids):
    """With both, among the servers of the project."""
    assert chosen(SERVERS, of, named, projects) == ids


REFUSED = [
    (["unknown"], [], "--project unknown matches no server"),
    (["empty"], [], "--project empty matches no server"),
    (["p1", "empty"], [], "--project empty matches no server"),
    (["twice"], [], "--project twice is the name of 2 projects: p1, p2"),
    ([], ["WEB"], "--server WEB matches no server"),
    ([], ["web"], "--server web is the name of 2 servers: id-of-web, other"),
    (["p1"], ["other"], "--server other matches no server"),
    ([], ["db", "gone"], "--server gone matches no server"),
]


@pytest.mark.parametrize(("of", "named", "words"), REFUSED)
def test_each_option_matches_exactly(of, named, words):
    """An empty match is a typing error, and a name of two is a question."""
    with pytest.raises(ConfigurationError, match=words) as raised:
        chosen(SERVERS, of, named, projects)

    assert raised.value.exit_code == ExitCode.USAGE


def app(command, **given):
    """The context of a command."""
    return SimpleNamespace(command=command, settings=resolve(given, {}), chosen={})


def test_the_choice_is_kept_for_the_run():
    """And is in the facts that are planned with."""
    drain = app("drain", server=("db",))
    hosts = (facts(servers=(WEB, DB)), facts("node2", servers=(OTHER,)))

    found = with_chosen(drain, hosts, projects)

    assert drain.chosen == {"only": {DB.id}}
    assert [f.request.only for f in found] == [{DB.id}, {DB.id}]


@pytest.mark.parametrize("other", [app("drain"), app("plan", server=("db",))])
def test_without_a_choice_all_move(other):
    """Of other commands it is none of their business: it may be in clouds.yaml."""
    hosts = (facts(servers=(WEB, DB)),)

    assert with_chosen(other, hosts, projects) == hosts
    assert other.chosen == {}
