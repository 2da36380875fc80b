# SPDX-License-Identifier: Apache-2.0
"""``nova-decom enable --bring-back``: the servers that a drain moved away come back."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from shlex import quote
from typing import Any

from nova_decom.cli.context import Context
from nova_decom.cli.run import carry_out, raise_if_not_asked
from nova_decom.errors import ConfigurationError, RefusedError
from nova_decom.model.cloud import Server
from nova_decom.model.report import Report
from nova_decom.model.request import Servers
from nova_decom.plan.jobs import BRING_BACK
from nova_decom.state.journal_reader import RUN_ID, find_record, read_records
from nova_decom.state.moved_servers import MovedServer, moved_servers

#: The value of ``--bring-back`` without a run: all since the host was last enabled.
LAST = "last"


@dataclass(frozen=True, slots=True)
class Return:
    """The servers of a host that come back from others, those that start on it, and the rest."""

    moving: tuple[Server, ...] = ()
    stopped: tuple[Server, ...] = ()
    staying: tuple[str, ...] = ()

    @property
    def sources(self) -> tuple[str, ...]:
        """The hosts from which servers come back."""
        return tuple(dict.fromkeys(server.host for server in self.moving))

    def request(self, home: str) -> dict[str, Any]:
        """The fields of the request of a run that brings them back to this host."""
        return {
            "servers": Servers.AUTO,
            "home": home,
            "target": home,
            "only": frozenset(s.id for s in (*self.moving, *self.stopped)),
            "stopped": frozenset(s.id for s in self.stopped),
            "staying": self.staying,
            "partial": True,
        }


def bring_back(app: Context, hosts: tuple[str, ...]) -> Report:
    """Enable one host, and move the servers back that a drain of it moved away.

    :raises ConfigurationError: there are several hosts, or the option's value is no run.
    :raises RefusedError: no run has drained the host.
    """
    if len(hosts) != 1:
        raise ConfigurationError(
            f"--bring-back takes one host, and these are {len(hosts)}", "run once for each host"
        )
    (home,), run = hosts, app.settings.bring_back
    name = quote(home)
    if run != LAST and not RUN_ID.fullmatch(str(run)):
        raise ConfigurationError(
            f"--bring-back {run}: {run!r} is no id of a run",
            f"nova-decom enable {name} --bring-back takes the last drain; give HOST before it",
        )
    if not app.settings.dry_run:
        raise_if_not_asked(app, BRING_BACK, (home,), "--bring-back")
    cloud = app.reading()
    read = [find_record(app.state_dir, str(run))] if run != LAST else read_records(app.state_dir)
    records = [r for r in read if r.cloud_key == app.cloud.key]
    drained = moved_servers(records, home)
    if drained is None:
        raise RefusedError(
            f"no run in {app.state_dir} has drained {home} in this cloud",
            "nova-decom runs lists them; without --bring-back the host is only enabled",
        )
    compute = cloud.clients.compute
    places = dict.fromkeys((home, *(d.to for d in drained if d.to))) if drained else ()
    known = {s.id: s for s in compute.servers_of(places)}
    found = returning(home, drained, lambda server: known.get(server) or compute.server(server))
    app.chosen = found.request(home)
    return carry_out(app, (home, *found.sources), BRING_BACK)


def returning(
    home: str, drained: Iterable[MovedServer], find: Callable[[str], Server | None]
) -> Return:
    """The servers of a drain by what becomes of them; ``find`` returns a server by its id."""
    found = Return()
    for moved in drained:
        server = find(moved.id)
        why = _why_not(moved, server, home)
        if why or server is None:
            found = replace(found, staying=(*found.staying, why))
        elif server.host != home:
            found = replace(found, moving=(*found.moving, server))
        elif moved.was_stopped:
            found = replace(found, stopped=(*found.stopped, server))
    return found


def _why_not(moved: MovedServer, server: Server | None, home: str) -> str:
    """The reason why a server does not come back; "" if it comes, or is there."""
    if server is None:
        return f"{moved.id} was deleted"
    named = f"{server.name!r} {server.id} ({server.status})"
    if not server.host:
        return f"{named} is on no host: openstack server unshelve {server.id}"
    if server.host != home and (moved.was_stopped or server.host != moved.to):
        return f"{named} has moved on to {server.host}"
    return ""
