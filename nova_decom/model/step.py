# SPDX-License-Identifier: Apache-2.0
"""The protocol of a step, and of the cloud that a step changes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import ClassVar, Protocol

from nova_decom.model.api_call import ApiCall
from nova_decom.model.change import Change
from nova_decom.model.cloud import LiveProgress, MoveSnapshot
from nova_decom.model.host import HostFacts
from nova_decom.model.machine import StopOrder
from nova_decom.model.sql import Transaction

CHANGE_ATTEMPTS = 3


class Cloud(Protocol):
    """The cloud: two ways to read it, and one method for each kind of change."""

    def refresh(self, host: str, parts: frozenset[str]) -> HostFacts:
        """Read these parts of the host again; its facts, with the other parts as they were."""

    def send(self, call: ApiCall) -> str | None:
        """Send one request that changes something; the request id, if the service gives one."""

    def stop_unit(self, host: str, order: StopOrder | None) -> None:
        """Stop and disable nova-compute on the host: by ssh these units, or by the command."""

    def release_allocations(self, consumer: str, providers: frozenset[str]) -> str | None:
        """Take these providers out of the consumer's allocations, and nothing else."""

    def live_progress(self, server: str) -> LiveProgress | None:
        """Read the progress of the live migration of a server; None where nova shows none."""

    def watch(self, host: str, look: str) -> MoveSnapshot:
        """Read the newest migrations of ``host``, and the servers of exactly the host ``look``."""

    def run(self, transaction: Transaction) -> None:
        """Run one guarded database transaction, its before-images saved first."""


class Step(ABC):
    """One step of the procedure: the changes still to be made, and how one is made.

    The first sentence of the docstring is printed by plan, progress and documentation.
    ``reads`` are the parts of the facts that :meth:`changes` depends on, ``guarded`` those that
    the guards need besides, as they are just before a change.
    """

    name: ClassVar[str]
    reversible: ClassVar[bool] = False
    reads: ClassVar[frozenset[str]]
    guarded: ClassVar[frozenset[str]] = frozenset()
    #: The changes follow from servers that arrive or move during the run: they need no review.
    needs_no_review: ClassVar[bool] = False
    #: The changes are moves of servers: several at once, also of servers that arrive later.
    moves_servers: ClassVar[bool] = False
    #: The changes are made on the host itself, which may take minutes: they hold no slot.
    on_host: ClassVar[bool] = False
    #: Requests that change nothing and need the rights of the step's own requests.
    tries: ClassVar[tuple[ApiCall, ...]] = ()
    #: The change writes the claim of the run into the compute service.
    writes_claim: ClassVar[bool] = False
    #: The change deletes the compute service, so that its absence is this run's doing.
    deletes_service: ClassVar[bool] = False
    #: The changes only prepare a later step: a run that ends before it takes them back.
    is_preparation: ClassVar[bool] = False
    #: Attempts at a change that fails in passing; the cloud is read again before each.
    attempts: ClassVar[int] = CHANGE_ATTEMPTS

    @abstractmethod
    def changes(self, facts: HostFacts) -> Iterable[Change]:
        """The changes still to be made on this host. Pure; none means done."""

    @abstractmethod
    def after(self, change: Change, facts: HostFacts) -> HostFacts:
        """The facts as this change leaves them. Pure."""

    def undo(self, change: Change, facts: HostFacts) -> Change | None:
        """The change that takes back one of a preparation; None where nothing is to be undone."""
        return None

    def apply(self, change: Change, cloud: Cloud, facts: HostFacts) -> str | None:
        """Make one change, safe to repeat: by the call or transaction shown. Its request id."""
        if change.transaction is not None:
            cloud.run(change.transaction)
        return cloud.send(change.call) if change.call is not None else None
