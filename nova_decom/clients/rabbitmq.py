# SPDX-License-Identifier: Apache-2.0
"""The management API of RabbitMQ: the queues of a cell."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote, unquote, urlsplit

from keystoneauth1.adapter import Adapter
from keystoneauth1.http_basic import HTTPBasicAuth

from nova_decom.clients.openstack.api import Api
from nova_decom.clients.openstack.session import LoggedSession
from nova_decom.clock import Clock
from nova_decom.errors import ConfigurationError, UnavailableError
from nova_decom.model.api_call import ApiCall

if TYPE_CHECKING:
    from openstack.connection import Connection

#: Seconds for one answer.
TIMEOUT = 30
COLUMNS = "name,type,arguments,messages,consumers"
SHAPE = "write it as [CELL=]https://[USER:PASSWORD@]HOST:15671[/VHOST]"


@dataclass(frozen=True, slots=True)
class Place:
    """A virtual host of a broker and how it is reached; ``cell`` is None without databases."""

    cell: str | None
    url: str
    vhost: str
    user: str
    password: str = field(repr=False)

    @property
    def label(self) -> str:
        """Where it is, without secrets."""
        return f"{self.url}/{quote(self.vhost, safe='')}"


@dataclass(frozen=True, slots=True)
class Transport:
    """The parts of a transport_url that the management API shares."""

    hosts: frozenset[str] = frozenset()
    vhost: str = "/"
    user: str = ""
    password: str = field(default="", repr=False)


class Broker:
    """The queues of one virtual host."""

    def __init__(
        self, place: Place, session: type[LoggedSession], ca: str | None, clock: Clock
    ) -> None:
        """``session`` decides whether it can write; ``ca`` is a file of certificates."""
        self.label, self.vhost, self.cell = place.label, place.vhost, place.cell
        auth = HTTPBasicAuth(place.url, place.user, place.password)
        # A redirect would carry the password to another place.
        http = session(auth=auth, timeout=TIMEOUT, verify=ca or True, redirect=False)
        only = cast("Connection", _Connection(Adapter(http, endpoint_override=place.url)))
        self._api = Api(only, clock=clock)

    def queues(self) -> Sequence[Mapping[str, Any]]:
        """Every queue, by one request; counts that are not known are absent.

        With ``disable_stats`` and ``enable_queue_totals``, which cost the broker less, it tells
        messages and no consumers (RabbitMQ 3.10).

        :raises UnavailableError: it cannot be read.
        """
        path = f"/api/queues/{quote(self.vhost, safe='')}"
        try:
            return self._api.get_list("message_queue", path, columns=COLUMNS)
        except UnavailableError as error:
            remedy = (
                "check --rabbitmq-api-url, the virtual host, and that the user has the tag "
                "management; nova-decom doctor tries it"
            )
            raise UnavailableError(f"{self.label}: {error}", remedy) from None

    def send(self, call: ApiCall) -> str | None:
        """Send one request that changes something; 404 on a DELETE is done."""
        return self._api.send(call)


class _Connection:
    """One service under whatever name it is asked for."""

    def __init__(self, adapter: Adapter) -> None:
        self._adapter = adapter

    def __getattr__(self, _service: str) -> Adapter:
        return self._adapter


def places(urls: Sequence[str], cells: Mapping[str, str | None]) -> tuple[Place, ...]:
    """The virtual hosts of these URLs; ``cells`` are the transport URLs of the cells by name.

    :raises ConfigurationError: a URL cannot be read, or fits no cell, or no password is known.
    """
    found = [place for url in urls for place in _places(url, cells, len(urls))]
    return tuple({place.label: place for place in found}.values())


def _places(given: str, cells: Mapping[str, str | None], urls: int) -> Iterator[Place]:
    match = re.fullmatch(r"(?:([^=/?#]+)=)?(https?://[^?#]+)", given)
    try:
        parsed = urlsplit(match[2] if match else "")
        port = parsed.port
    except ValueError:
        match = None
    if match is None or not parsed.hostname:
        message = "a --rabbitmq-api-url cannot be read (not shown, it may hold a password)"
        raise ConfigurationError(message, SHAPE)
    host = f"[{parsed.hostname}]" if ":" in parsed.hostname else parsed.hostname
    url = f"{parsed.scheme}://{host}{'' if port is None else f':{port}'}"
    for cell in _cells_of(url, match[1], parsed.hostname, cells, urls):
        known = transport(cells.get(cell or "") or "")
        user = known.user if parsed.username is None else unquote(parsed.username)
        password = known.password if parsed.password is None else unquote(parsed.password)
        if not user:
            message = f"{url}: no user and password are known for the management API"
            raise ConfigurationError(message, f"{SHAPE}, or give the databases (--nova-conf)")
        vhost = unquote(parsed.path[1:]) or known.vhost
        yield Place(cell, url, vhost, user, password)


def _cells_of(
    url: str, named: str | None, host: str, cells: Mapping[str, str | None], urls: int
) -> Sequence[str | None]:
    """The cells of a URL: the one that it names, those whose transport URL names its host."""
    if not cells:
        return [named]
    if named is not None and named in cells:
        return [named]
    same = [cell for cell, of in cells.items() if host in transport(of or "").hosts]
    if named is None and (same or len(cells) == urls == 1):
        return same or list(cells)
    raise ConfigurationError(
        f"{url}: {'no cell is called ' + named if named else 'it is not known of which cell'}",
        f"{SHAPE}, with CELL one of: {', '.join(cells)}",
    )


def transport(url: str) -> Transport:
    """The parts of a transport_url as oslo.messaging reads them; of a template none."""
    match = re.fullmatch(r"\w+(?:\+\w+)?://([^/]*)(?:/([^?#]*))?(?:[?#].*)?", url)
    if match is None or "{" in url:
        return Transport()
    nodes = [node.rpartition("@") for node in match[1].split(",")]
    user, _, password = nodes[0][0].partition(":")
    hosts = frozenset(re.sub(r":\d*$", "", place).strip("[]").lower() for _, _, place in nodes)
    return Transport(hosts, unquote(match[2] or "") or "/", unquote(user), unquote(password))
