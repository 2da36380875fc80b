# SPDX-License-Identifier: Apache-2.0
"""``nova-decom doctor``: everything that a removal will need, looked at without changing it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from nova_decom.cli.context import Context
from nova_decom.cli.hosts import named
from nova_decom.cli.options import GivenOptions
from nova_decom.clients.host.ssh import Remote
from nova_decom.clients.mysql.checks import Check
from nova_decom.clients.openstack.api import Api
from nova_decom.errors import NovaDecomError
from nova_decom.exit_codes import ExitCode
from nova_decom.model.report import Report
from nova_decom.state.directory import open_state_dir

Row = dict[str, object]

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


def doctor(given: GivenOptions, hosts: tuple[str, ...]) -> Report:
    """Each check with what is wrong and its cure; exit 69 when one fails."""
    app = Context(given)
    cloud = app.reading()
    checks = [
        *_state(app),
        *_apis(app.api),
        *_databases(app, cloud.checks),
        *_hosts(app, hosts),
    ]
    failed = [c for c in checks if not c["ok"]]
    code = ExitCode.UNAVAILABLE if failed else ExitCode.SUCCESS
    return Report("doctor", code, extra={"checks": checks})


def _state(app: Context) -> Iterator[Row]:
    """The state directory, as it would be used; it is not made here."""
    name = "state directory"
    if not app.state_dir.exists():
        yield _row(name, f"{app.state_dir} will be made by the first run")
    else:
        yield _try(name, lambda: str(open_state_dir(app.state_dir)))


def _apis(api: Api | None) -> Iterator[Row]:
    if api is None:
        return
    yield _try("credentials and compute API", lambda: _compute(api))
    yield _try(
        "right to list compute services",
        lambda: f"{len(api.get('compute', '/os-services', '2.53')['services'])} services",
    )
    yield _try(
        "right to list resource providers",
        lambda: (
            f"{len(api.get('placement', '/resource_providers', '1.14')['resource_providers'])}"
            " resource providers"
        ),
    )
    yield _try(
        "right to list network agents",
        lambda: (
            f"{len(api.get('network', '/agents')['agents'])} agents"
            if api.has("network")
            else "no network service in the catalogue; agents are not checked"
        ),
    )


def _compute(api: Api) -> str:
    newest = api.newest("compute") or "none"
    return f"microversion {newest}, nova {RELEASES.get(newest, 'of an unknown release')}"


def _databases(app: Context, checks: Callable[[], tuple[Check, ...]]) -> Iterator[Row]:
    if app.databases is None:
        yield _row(
            "databases",
            "none configured: rows and host mapping are not checked",
            ok=True,
            remedy="give --nova-conf, --api-db-url or --cell-db-url",
        )
        return
    try:
        for check in checks():
            ok = check.problem is None
            yield _row(check.name, check.problem, ok=ok, remedy=check.remedy)
    except NovaDecomError as error:
        yield _row("databases", str(error), ok=False, remedy=error.remedy)


def _hosts(app: Context, hosts: tuple[str, ...]) -> Iterator[Row]:
    remote = Remote(app.ssh_config)
    for host in named(hosts):
        yield _try(f"ssh {host}", partial(_unit, remote, host))


def _unit(remote: Remote, host: str) -> str:
    unit = remote.unit(host)
    running = "active" if unit.active else "inactive"
    return f"{unit.name} {running}, {'enabled' if unit.enabled else 'disabled'}"


def _try(name: str, look: Callable[[], str]) -> Row:
    try:
        return _row(name, look())
    except NovaDecomError as error:
        return _row(name, str(error), ok=False, remedy=error.remedy)


def _row(name: str, detail: str | None, *, ok: bool = True, remedy: str | None = None) -> Row:
    return {"name": name, "ok": ok, "detail": detail, "remedy": remedy}
