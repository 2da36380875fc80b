# SPDX-License-Identifier: Apache-2.0
"""``nova-decom doctor``: checks of all that a removal needs, without a change."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any

from nova_decom.cli.context import Context
from nova_decom.cli.given import GivenOptions
from nova_decom.cli.hosts import named
from nova_decom.cli.plan import OVERVIEW_PARTS
from nova_decom.clients.cloud import LiveCloud
from nova_decom.clients.consumers import Clients
from nova_decom.clients.host.ssh import UNITS, Remote, sudoers
from nova_decom.clients.mysql.cells import NovaDatabases
from nova_decom.clients.mysql.grants import USER
from nova_decom.clients.mysql.url import target
from nova_decom.errors import ConfigurationError, MissingRightError, NovaDecomError, RefusedError
from nova_decom.exit_codes import ExitCode
from nova_decom.guards.host import host_known
from nova_decom.model.api_call import ApiCall
from nova_decom.model.plan import counted
from nova_decom.model.registrar import Access, Registrar
from nova_decom.model.report import Report
from nova_decom.model.tables import DoctorCheck, DoctorReport, LinesReport
from nova_decom.registrars import REGISTRARS
from nova_decom.state.directory import open_state_dir
from nova_decom.steps import PROCEDURE

#: Newest compute microversion by release, to name the release of the control plane
#: (nova api/openstack/api_version_request.py of each release).
RELEASES = {
    "2.60": "Queens",
    "2.65": "Rocky",
    "2.72": "Stein",
    "2.79": "Train",
    "2.87": "Ussuri or Victoria",
    "2.88": "Wallaby",
    "2.90": "Xena or Yoga",
    "2.93": "Zed",
    "2.95": "2023.1 or 2023.2",
    "2.96": "2024.1 or 2024.2",
    "2.100": "2025.1 or 2025.2",
    "2.103": "2026.1",
    "2.104": "2026.2",
}
#: Of these, the releases from whose control plane hosts were removed in the lab.
LAB = {
    "2.90": "Yoga",
    "2.96": "2024.1",
    "2.100": "2025.1",
    "2.103": "2026.1",
    "2.104": "2026.2",
}


def doctor(given: GivenOptions, hosts: tuple[str, ...]) -> Report:
    """Each check with its problem and remedy; exit 69 when one fails.

    With ``--grants`` or ``--sudoers`` the lines for a DBA or for the hosts instead.
    """
    app = Context(given)
    names = named(hosts)
    if app.settings.grants or app.settings.sudoers:
        return LinesReport("doctor", ExitCode.SUCCESS, lines=tuple(_lines(app, names)))
    cloud = app.reading()
    clients = cloud.clients
    with app.showing():
        checks = [*_state(app), *_apis(cloud, names), *_databases(clients.databases, app)]
        unknown = {c.name for c in checks if not c.ok}
        asked = [host for host in names if f"host {host}" not in unknown]
        checks += [_try(f"ssh {host}", partial(_unit, clients.remote, host)) for host in asked]
    code = ExitCode.SUCCESS if all(c.ok for c in checks) else ExitCode.UNAVAILABLE
    remedies = (c.remedy for c in checks if c.remedy)
    grants = tuple(dict.fromkeys(r for r in remedies if r.startswith("GRANT ")))
    return DoctorReport("doctor", code, checks=tuple(checks), grants=grants)


def _lines(app: Context, hosts: Sequence[str]) -> Iterator[str]:
    """The GRANT statements of the databases given, then the lines of sudoers."""
    if app.settings.grants:
        databases = app.reading().clients.databases
        if databases is None:
            raise ConfigurationError(
                "--grants needs to know the databases",
                "give --nova-conf, --api-db-url or --cell-db-url, with a user that may read",
            )
        url = app.settings.api_db_url or next(iter(app.settings.cell_db_url), None)
        user = target(url).arguments.get("user") if url else None
        rows = app.settings.request("RUN", app.report_interval).rows
        closes = app.settings.close_evacuations
        yield from databases.grants(rows, user or USER, closes=closes)
    if app.settings.sudoers:
        yield from _sudoers(Remote(app.ssh_config), hosts)


def _sudoers(remote: Remote, hosts: Sequence[str]) -> Iterable[str]:
    """The lines for the units and the ssh users of the hosts; without hosts for all units."""
    if not hosts:
        return sudoers(UNITS)
    machines = {host: remote.machine(host) for host in hosts}
    return dict.fromkeys(
        line
        for host, machine in machines.items()
        for line in sudoers((found.unit.name for found in machine.units), remote.user(host))
    )


def _state(app: Context) -> Iterator[DoctorCheck]:
    """The state directory, which only a run creates."""
    name = "state directory"
    if not app.state_dir.exists():
        yield DoctorCheck(name, ok=True, detail=f"{app.state_dir} will be created on first use")
    else:
        yield _try(name, lambda: str(open_state_dir(app.state_dir)))


def _apis(cloud: LiveCloud, hosts: Sequence[str]) -> Iterator[DoctorCheck]:
    """The checks of the APIs; only the first one where it fails, as all would fail alike."""
    login = _try("credentials", lambda: str(cloud.clients.access.has("identity")))
    if not login.ok:
        yield login
        return
    yield from _may_read(cloud.clients)
    yield from _may_change(cloud)
    for host in hosts:
        yield _try(f"host {host}", partial(_known, cloud, host))


def _known(cloud: LiveCloud, host: str) -> str:
    """The state of a host that nova or its traces know.

    :raises RefusedError: it is not known, with names that are like it.
    """
    (facts,) = cloud.read_hosts([host], OVERVIEW_PARTS)
    objection = host_known(facts)
    if objection is not None:
        raise RefusedError(objection.message, objection.remedy.partition(" (")[0])
    service = facts.service
    return f"nova-compute {service.state}, {service.status}" if service else "no nova-compute"


def _may_read(clients: Clients) -> Iterator[DoctorCheck]:
    """The APIs, and every right to read that a command needs: nova leaves out what it hides."""
    compute, placement = clients.compute, clients.placement
    yield _try("credentials and compute API", lambda: _release(compute.newest_microversion()))
    yield _try(
        "right to list compute services", lambda: counted(len(compute.services()), "service")
    )
    yield _try("right to list compute nodes", lambda: _one(compute.one_compute_node(), "nodes"))
    yield _try("right to see the hosts of servers", lambda: _one(compute.one_server(), "servers"))
    yield _try(
        "right to see the hosts of migrations",
        lambda: _one(compute.one_migration(), "migrations"),
    )
    yield _try("right to list aggregates", lambda: counted(len(compute.aggregates()), "aggregate"))
    yield _try(
        "right to list resource providers",
        lambda: counted(len(placement.providers()), "resource provider"),
    )
    for registrar in REGISTRARS:
        yield _registrar(registrar, clients.access)


def _may_change(cloud: LiveCloud) -> Iterator[DoctorCheck]:
    """The rights to change services, providers and allocations; no others can be asked."""

    def ask(call: ApiCall) -> str:
        denied = cloud.refusal(call)
        if denied:
            raise MissingRightError(denied, "give the token this right")
        return "yes"

    for step in PROCEDURE:
        for call in step.tries:
            yield _try(f"right to {step.name}", partial(ask, call))


def _release(newest: str | None) -> str:
    """The release of the cloud, and how it was tried (docs/releases.md)."""
    names = list(RELEASES.values())
    found = f"microversion {newest or 'none'}"
    if newest not in RELEASES:
        return f"{found}, of no release that was tried ({names[0]} to {names[-1]} were)"
    lab = f"removals in a lab of {LAB[newest]}" if newest in LAB else ""
    how = lab or "its database schemas, not its API"
    return f"{found}, nova {RELEASES[newest]} (tried: {how})"


def _one(found: object | None, kind: str) -> str:
    return f"the cloud has no {kind} that would show it" if found is None else "yes"


def _databases(databases: NovaDatabases | None, app: Context) -> Iterator[DoctorCheck]:
    """The databases, and every statement that a removal sends, tried on no row."""
    if databases is None:
        yield DoctorCheck(
            "databases",
            ok=True,
            detail="none configured: rows and host mapping are not checked",
            remedy="give --nova-conf, --api-db-url or --cell-db-url",
        )
        return
    request = app.settings.request("RUN", app.report_interval, app.command)
    try:
        for check in (*databases.checks(), *databases.try_removal(request)):
            ok = check.problem is None
            yield DoctorCheck(check.name, ok=ok, detail=check.shown, remedy=check.remedy)
    except NovaDecomError as error:
        yield DoctorCheck("databases", ok=False, detail=str(error), remedy=error.remedy)


def _unit(remote: Remote, host: str) -> str:
    found = []
    for identity in remote.machine(host).units:
        unit = identity.unit
        state = f"{'active' if unit.active else 'inactive'}, "
        state += "enabled" if unit.enabled else "disabled"
        of = f"host = {identity.host}" if identity.host else "its configuration cannot be read"
        found.append(f"{unit.name} {state}, {of}")
    return "; ".join(found)


def _registrar(registrar: Registrar[Any, Any], access: Access) -> DoctorCheck:
    """Read a registrar, or name the cost of what cannot be read."""
    try:
        found = registrar.check(access)
    except NovaDecomError as error:
        return DoctorCheck(registrar.check_name, ok=False, detail=str(error), remedy=error.remedy)
    return DoctorCheck(registrar.check_name, ok=True, detail=found.detail, remedy=found.remedy)


def _try(name: str, check: Callable[[], str]) -> DoctorCheck:
    try:
        return DoctorCheck(name, ok=True, detail=check())
    except NovaDecomError as error:
        return DoctorCheck(name, ok=False, detail=str(error), remedy=error.remedy)
