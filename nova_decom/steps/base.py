# SPDX-License-Identifier: Apache-2.0
"""What a step is, and the outside world as a step sees it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Protocol

from nova_decom.model.change import Change
from nova_decom.model.cloud import Action, MoveSnapshot
from nova_decom.model.host import HostFacts
from nova_decom.model.request import Part
from nova_decom.model.sql import Transaction


class Cloud(Protocol):
    """The outside: two ways to read, and one method for each kind of change."""

    def facts(self, host: str) -> HostFacts:
        """Everything about one host, read anew."""

    def refresh(self, host: str, parts: frozenset[Part]) -> HostFacts:
        """The facts of the host with only these parts read anew."""

    def disable_service(self, service: str, reason: str) -> str | None:
        """Disable a compute service; the request id, if there is one."""

    def enable_service(self, service: str) -> str | None:
        """Enable a compute service."""

    def stop_unit(self, host: str) -> None:
        """Stop and disable nova-compute on the host, by the way that the request names."""

    def delete_service(self, service: str) -> str | None:
        """Delete a service; nova deletes with it what it knows of the host."""

    def release_allocations(self, consumer: str, providers: frozenset[str]) -> str | None:
        """Take these providers out of the consumer's allocations, and nothing else."""

    def create_provider(self, uuid: str, name: str) -> str | None:
        """Create a bare resource provider."""

    def delete_provider(self, uuid: str) -> str | None:
        """Delete a resource provider."""

    def delete_agent(self, agent: str) -> str | None:
        """Delete a network agent, or learn that neutron does not do that."""

    def act(self, server: str, action: Action, target: str | None) -> str | None:
        """Ask nova to do something with a server, at once answered and done later."""

    def watch(self, host: str, look: str) -> MoveSnapshot:
        """The newest migrations of the host, and the servers of exactly the host ``look``."""

    def run(self, transaction: Transaction) -> None:
        """Run one guarded database transaction, its before-images saved first."""


class Step(Protocol):
    """One step of the procedure: what is still to be done, and how to do one of it.

    The first sentence of the docstring is what plan, progress and documentation print.
    ``reads`` is what :meth:`changes` depends on, ``guarded`` what the guards must see besides as
    it is before anything is done.
    """

    name: ClassVar[str]
    reversible: ClassVar[bool]
    reads: ClassVar[frozenset[Part]]
    guarded: ClassVar[frozenset[Part]]

    def changes(self, facts: HostFacts) -> Iterable[Change]:
        """What is still to be done on this host. Pure; empty means done."""

    def after(self, change: Change, facts: HostFacts) -> HostFacts:
        """What the facts become by this change. Pure."""

    def apply(self, change: Change, cloud: Cloud, facts: HostFacts) -> str | None:
        """Make one change; safe to repeat. Returns a request id, if there is one."""
