# SPDX-License-Identifier: Apache-2.0
"""The protocol of a registrar: a service beside nova that keeps records of compute hosts."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from nova_decom.clock import Clock
from nova_decom.model.guard import Guard
from nova_decom.model.host import HostFacts
from nova_decom.model.plan import Condition, Kept, Leftover
from nova_decom.model.snapshot import CloudSnapshot
from nova_decom.model.step import Step

#: What a registrar reads of the whole cloud, and its facts about one host.
Param = str | Sequence[str]
Reading = TypeVar("Reading")
Facts = TypeVar("Facts")


class Broker(Protocol):
    """The management API of the message queue of a cell: one virtual host."""

    label: str
    vhost: str
    cell: str | None

    def queues(self) -> Sequence[Mapping[str, Any]]:
        """Every queue, by one request; counts that are not known are absent."""


class Access(Protocol):
    """The systems that a registrar may read; a test has its own."""

    clock: Clock

    def brokers(self) -> Sequence[Broker]:
        """The brokers whose management API is given."""

    def cells(self) -> Sequence[str]:
        """The names of all cells that have a broker; none where they are not known."""

    def has(self, service: str) -> bool:
        """True when the catalogue has a service of this type."""

    def list(
        self, service: str, path: str, key: str, version: str | None = None, **params: Param
    ) -> Sequence[Mapping[str, Any]]:
        """All entries of a list of a service in the catalogue, whatever its number of pages."""

    def marked(self, service: str, path: str, key: str, mark: str) -> Sequence[Mapping[str, Any]]:
        """As ``list``, of a service that cuts lists without links; ``mark`` names an entry."""

    def find(self, service: str, path: str) -> Mapping[str, Any] | None:
        """The body of an answer; None where there is no such thing."""


@dataclass(frozen=True, slots=True)
class Ghost:
    """A record of a name in an audit, and the command that deletes this record alone."""

    name: str
    kind: str
    target: str
    detail: str
    alone: str
    #: The removal of the host does not delete the record.
    stays: bool = False


@dataclass(frozen=True, slots=True)
class Checked:
    """The result of a check by ``doctor``; ``remedy`` where something cannot be read."""

    detail: str
    remedy: str | None = None


class Registrar(ABC, Generic[Reading, Facts]):
    """A service that knows hosts: all that the program does with it, in one file.

    The docstring is its section in the documentation; its first sentence is printed alone.
    Each method but the first three has a default for a registrar without such a thing.
    """

    #: The name of its facts, and of the part of the facts that is read again by itself.
    name: ClassVar[str]
    #: The name of the check by ``doctor``, and the role or tag that reading and deleting need.
    check_name: ClassVar[str]
    rights: ClassVar[str]
    guards: ClassVar[tuple[Guard, ...]] = ()
    #: The steps that come first of all, those before delete-service, and those after it.
    first: ClassVar[tuple[Step, ...]] = ()
    before_delete: ClassVar[tuple[Step, ...]] = ()
    after_delete: ClassVar[tuple[Step, ...]] = ()
    #: Kind of leftover -> what it is, in a sentence.
    kinds: ClassVar[Mapping[str, str]] = {}
    #: The records in the journal: their key, their kind of leftover and the fields that name one.
    journal: ClassVar[tuple[str, str, tuple[str, ...]] | None] = None

    @abstractmethod
    def read(
        self, access: Access, names: Collection[str] | None, before: Reading | None
    ) -> Reading:
        """Read the records of these host names, or of all hosts, by as few calls as possible.

        ``before`` is the reading that this one replaces: of ``names`` only, the others stay.
        """

    @abstractmethod
    def facts(self, reading: Reading | None, facts: HostFacts, view: CloudSnapshot) -> Facts:
        """The facts about exactly this host; without a reading, those of no record. Pure."""

    @abstractmethod
    def check(self, access: Access) -> Checked:
        """Try to read as ``doctor`` does.

        :raises NovaDecomError: the service cannot be read.
        """

    def of_run(self, access: Access, reading: Reading, names: Collection[str]) -> Reading:
        """The reading with what is read of hosts that a run is about to change alone."""
        return reading

    def names_of(self, facts: HostFacts) -> Iterable[Ghost]:
        """The records by which a name that nova does not know is a host's."""
        return ()

    def leftovers(self, facts: HostFacts) -> Iterable[Leftover]:
        """The records that are to be deleted, each with its cure."""
        return ()

    def kept(self, facts: HostFacts) -> Iterable[Kept]:
        """The records that stay by the request."""
        return ()

    def conditions(self, facts: HostFacts) -> Iterable[Condition]:
        """The conditions of adding a host of the same name again."""
        return ()

    def unchecked(self, facts: HostFacts) -> Iterable[str]:
        """The things of the service that were not read."""
        return ()

    def records(self, facts: HostFacts) -> Iterable[Any]:
        """The records (dataclasses) that are written into the journal before anything is done."""
        return ()

    def lost(
        self, saved: Sequence[Mapping[str, Any]], begun: Collection[str], facts: HostFacts
    ) -> Iterable[str]:
        """The saved records that a restore does not bring back; ``begun`` are targets."""
        return ()

    def hosts(self, reading: Reading) -> Iterable[str]:
        """The names in its records that are certainly those of compute hosts."""
        return ()

    def ghosts(self, reading: Reading, gone: Collection[str]) -> Iterable[Ghost]:
        """The records of these names, whose hosts nova no longer knows, in an audit."""
        return ()

    @property
    def steps(self) -> tuple[Step, ...]:
        """All its steps."""
        return (*self.first, *self.before_delete, *self.after_delete)
