# SPDX-License-Identifier: Apache-2.0
"""What all registrars have in common."""

from __future__ import annotations

import pytest

from nova_decom.clock import Clock
from nova_decom.model.registrar import Ghost, Registrar
from nova_decom.model.snapshot import CloudSnapshot
from nova_decom.registrars import PLANNED_PARTS, REGISTRARS, names_of, with_registrars
from nova_decom.registrars.project import Records
from nova_decom.steps import PROCEDURE
from tests.unit import build
from tests.unit.build import absent, facts

EACH = pytest.mark.parametrize("registrar", REGISTRARS, ids=lambda r: r.name)


class Catalogue:
    """A catalogue with these services, whose lists are empty."""

    def __init__(self, *services):
        """In any order."""
        self.services, self.asked, self.clock = services, [], Clock()

    def has(self, service):
        """True for those given."""
        return service in self.services

    def brokers(self):
        """None is given."""
        return ()

    def cells(self):
        """No database is given."""
        return ()

    def list(self, service, path, _key, _version=None, **params):
        """Nothing is listed."""
        self.asked.append((service, path, params))
        return ()

    def marked(self, service, path, key, _mark):
        """As a list."""
        return self.list(service, path, key)


def test_names_are_unique_and_parts_of_what_is_planned():
    """Facts are found by them, and read again by them."""
    names = [r.name for r in REGISTRARS]

    assert len(set(names)) == len(names)
    assert PLANNED_PARTS.issuperset(names)


@EACH
def test_its_steps_are_in_the_procedure_where_it_says(registrar):
    """Those that come before the service is deleted really do."""
    order = list(PROCEDURE)
    deleting = next(i for i, step in enumerate(order) if step.deletes_service)

    assert all(
        order.index(step) < deleting for step in (*registrar.first, *registrar.before_delete)
    )
    assert all(order.index(step) > deleting for step in registrar.after_delete)


@EACH
def test_without_a_reading_it_has_no_record_and_claims_nothing(registrar):
    """A part that was not read yet is no trace of the host, and no all-clear."""
    state = with_registrars(facts(), CloudSnapshot())

    assert tuple(registrar.leftovers(state)) == tuple(registrar.names_of(state)) == ()
    assert tuple(registrar.kept(state)) == tuple(registrar.records(state)) == ()
    assert tuple(registrar.lost((), (), state)) == ()
    assert state.registrars[registrar.name] == registrar.facts(None, state, CloudSnapshot())


@EACH
def test_a_cloud_without_the_service_costs_one_look_at_the_catalogue(registrar):
    """Whatever the number of hosts; doctor says so without an error."""
    access = Catalogue()
    reading = registrar.read(access, None, None)

    assert tuple(registrar.ghosts(reading, {"node1"})) == ()
    assert registrar.check(access).detail
    assert access.asked == []


class Plain(Registrar):
    """A registrar with no more than it must have."""

    name = "plain"

    def read(self, _access, _names, _before):
        """Nothing."""

    def facts(self, _reading, _facts, _view):
        """Nothing."""

    def check(self, _access):
        """Nothing."""


def test_most_of_a_registrar_has_a_default():
    """Only reading, slicing and the check by doctor are its own."""
    plain, state, reading = Plain(), absent(), Records()
    found = [
        *(plain.names_of(state), plain.leftovers(state), plain.kept(state)),
        *(plain.conditions(state), plain.unchecked(state), plain.records(state)),
        *(plain.lost((), (), state), plain.ghosts(reading, ()), plain.steps, plain.guards),
    ]

    assert [tuple(things) for things in found] == [()] * len(found)
    assert plain.of_run(None, reading, ()) is reading


def test_the_records_of_a_name_say_how_they_are_deleted():
    """A living agent is not to be deleted."""
    state = absent(agents=(build.agent(), build.agent(id="on", alive=True)))

    assert list(names_of(state)) == [
        Ghost(
            build.HOST,
            "network-agent",
            build.AGENT,
            f"network agent {build.AGENT}",
            f"openstack network agent delete {build.AGENT}",
        ),
        Ghost(build.HOST, "network-agent", "on", "network agent on", ""),
    ]
