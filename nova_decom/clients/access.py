# SPDX-License-Identifier: Apache-2.0
"""The systems that registrars read, over the real clients."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from nova_decom.clients.mysql.cells import NovaDatabases
from nova_decom.clients.openstack.api import Api
from nova_decom.clients.openstack.listing import Entry, Paging, read_list
from nova_decom.clients.openstack.session import LoggedSession
from nova_decom.clients.rabbitmq import Broker, places
from nova_decom.clock import Clock
from nova_decom.model.api_call import ApiCall
from nova_decom.model.registrar import Param


class LiveAccess:
    """The services of the catalogue, and the brokers of the cells."""

    def __init__(
        self,
        api: Api,
        brokers: Callable[[], Sequence[Broker]] = tuple,
        cells: Callable[[], Sequence[str]] = tuple,
        clock: Clock | None = None,
    ) -> None:
        """``brokers`` is called once, when the message queue is first read."""
        self.clock = clock or Clock()
        self._api = api
        self._find_brokers = brokers
        self._brokers: Sequence[Broker] | None = None
        self._cells = cells

    def has(self, service: str) -> bool:
        """True when the catalogue has a service of this type."""
        return self._api.has(service)

    def list(
        self, service: str, path: str, key: str, version: str | None = None, **params: Param
    ) -> Sequence[Entry]:
        """All entries of a list; pages are followed where the list carries links."""
        return read_list(
            self._api, service, path, key, version, paging=Paging.LINKS, params=params
        )

    def marked(self, service: str, path: str, key: str, mark: str) -> Sequence[Entry]:
        """All entries of a list, until a page is empty; ``mark`` is the field of the markers."""
        return read_list(self._api, service, path, key, paging=Paging.MARKER, mark=mark)

    def find(self, service: str, path: str) -> Mapping[str, Any] | None:
        """The body of an answer; None for 404 and 400."""
        return self._api.find(service, path)

    def brokers(self) -> Sequence[Broker]:
        """The brokers whose management API is given."""
        if self._brokers is None:
            self._brokers = self._find_brokers()
        return self._brokers

    def cells(self) -> Sequence[str]:
        """The names of the cells; none without databases."""
        return self._cells()

    def send(self, call: ApiCall) -> str | None:
        """Send one request that changes something; its request id."""
        at = [broker for broker in self.brokers() if broker.label == call.place]
        return (at[0] if at else self._api).send(call)


def live_access(
    api: Api,
    urls: Sequence[str],
    databases: NovaDatabases | None,
    session: type[LoggedSession],
    ca: str | None,
    clock: Clock | None,
) -> LiveAccess:
    """The systems of a cloud; ``urls`` are of management APIs, and ``session`` may write or not.

    The cells are asked for only where a URL is given.
    """

    def transports() -> dict[str, str | None]:
        cells = databases.cells if databases is not None and urls else ()
        return {cell.name: cell.transport for cell in cells}

    def brokers() -> tuple[Broker, ...]:
        found = places(urls, transports())
        return tuple(Broker(place, session, ca, clock or Clock()) for place in found)

    return LiveAccess(api, brokers, lambda: tuple(transports()), clock)
