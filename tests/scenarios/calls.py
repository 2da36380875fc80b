# SPDX-License-Identifier: Apache-2.0
"""Calls and queries that bring a state about, or look at it, as administrator and as root."""

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from tests.lab import Lab
from tests.lab.waiting import wait_until

if TYPE_CHECKING:
    from openstack.connection import Connection

PLACEMENT = "1.38"
TIMEOUT = 60.0


def service(lab: Lab, host: str) -> dict[str, Any]:
    """The host's compute service by the API."""
    (found,) = services(lab, host)
    return found


def show(lab: Lab, server: str) -> dict[str, Any]:
    found: dict[str, Any] = compute(lab, "GET", f"/servers/{server}")["server"]
    return found


def node_uuid(lab: Lab, host: str) -> str:
    """The uuid of the host's live compute node."""
    (found,) = nodes(lab, host)
    return found


def holdings(lab: Lab, consumer: str) -> dict[str, Any]:
    """What a consumer holds, by provider."""
    found: dict[str, Any] = placement(lab, "GET", f"/allocations/{consumer}")["allocations"]
    return {provider: held["resources"] for provider, held in found.items()}


def rows(lab: Lab, database: str, statement: str, *params: object) -> list[tuple[Any, ...]]:
    with lab.sql(database) as connection, connection.cursor() as cursor:
        cursor.execute(statement, params)
        return list(cursor.fetchall())


def sql(lab: Lab, database: str, statement: str, *params: object) -> None:
    rows(lab, database, statement, *params)


def placement(lab: Lab, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    """A call of placement's API; its body, if it has one."""
    return _call(_connection(lab).placement, method, path, PLACEMENT, body)


def compute(lab: Lab, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    """A call of nova's API; its body, if it has one."""
    return _call(_connection(lab).compute, method, path, lab.site.release.microversion, body)


def network(lab: Lab, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    """A call of neutron's API; its body, if it has one."""
    return _call(_connection(lab).network, method, path, None, body)


def of_service(
    lab: Lab,
    name: str,
    method: str,
    path: str,
    body: dict[str, Any] | None = None,
    version: str | None = None,
) -> Any:
    """A call by a login whose catalogue has the services that were added to the lab."""
    version = lab.site.release.microversion if name == "compute" else version
    return _call(getattr(_later_connection(lab), name), method, path, version, body)


@lru_cache
def _later_connection(lab: Lab) -> "Connection":
    return lab.connection()


@lru_cache
def _connection(lab: Lab) -> "Connection":
    """One for all calls: logging in takes longer than most of them."""
    return lab.connection()


def act(lab: Lab, server: str, action: dict[str, Any]) -> None:
    compute(lab, "POST", f"/servers/{server}/action", action)


def _call(
    proxy: Any, method: str, path: str, version: str | None, body: dict[str, Any] | None
) -> Any:
    extra = {} if body is None else {"json": body}
    answer = proxy.request(path, method, microversion=version, raise_exc=False, **extra)
    assert answer.ok, f"{method} {path}: {answer.status_code} {answer.text}"
    return answer.json() if answer.content else None


def services(lab: Lab, host: str) -> list[dict[str, Any]]:
    found = compute(lab, "GET", f"/os-services?host={host}&binary=nova-compute")["services"]
    return [s for s in found if s["host"] == host]


def nodes(lab: Lab, host: str) -> list[str]:
    statement = "SELECT uuid FROM compute_nodes WHERE BINARY host = %s AND deleted = 0"
    return [str(node) for (node,) in rows(lab, "nova", statement, host)]


def wait_for(lab: Lab, server: str, host: str, status: str) -> None:
    def there() -> bool:
        now = show(lab, server)
        assert now["status"] != "ERROR", now.get("fault")
        settled = now["OS-EXT-STS:task_state"] is None and now["status"] == status
        return bool(settled and now["OS-EXT-SRV-ATTR:host"] == host)

    wait_until(there, timeout=TIMEOUT, what=f"server {server} to be {status} on {host}")
