# SPDX-License-Identifier: Apache-2.0
"""Servers: real boots on the fake hypervisor."""

import uuid
from collections.abc import Callable, Iterable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from tests.lab.errors import LabError
from tests.lab.schema import FLAVOR, IMAGE
from tests.lab.waiting import wait_until

if TYPE_CHECKING:
    from openstack.connection import Connection

MICROVERSION = "2.74"
"""The first in which a server can be given a host by name."""
STATUSES = (
    *("ACTIVE", "SHUTOFF", "PAUSED", "SUSPENDED", "SHELVED", "RESCUE", "VERIFY_RESIZE"),
    *("ERROR", "SOFT_DELETED"),
)
LARGER = "lab-larger"
TIMEOUT = 120.0
ATTEMPTS = 3
NOT_FOUND = 404


class Servers:
    def __init__(self, cloud: "Connection") -> None:
        self._cloud = cloud

    @cached_property
    def _image(self) -> str:
        return str(self._cloud.image.find_image(IMAGE, ignore_missing=False).id)

    @cached_property
    def _flavor(self) -> str:
        return str(self._cloud.compute.find_flavor(FLAVOR, ignore_missing=False).id)

    def create(self, count: int, *, on: str, status: str = "ACTIVE") -> list[str]:
        """Boot `count` servers on the host and bring them to `status`; their ids."""
        if status not in STATUSES:
            raise LabError(f"servers cannot be brought to {status}, only to {', '.join(STATUSES)}")
        ids = self._boot(count, on)
        changes: dict[str, Callable[[str], Any]] = {
            "SHUTOFF": lambda id_: self._act(id_, {"os-stop": None}),
            "PAUSED": lambda id_: self._act(id_, {"pause": None}),
            "SUSPENDED": lambda id_: self._act(id_, {"suspend": None}),
            "SHELVED": lambda id_: self._act(id_, {"shelve": None}),
            "RESCUE": lambda id_: self._act(id_, {"rescue": None}),
            "VERIFY_RESIZE": lambda id_: self._act(id_, {"resize": self._larger()}),
            "ERROR": lambda id_: self._act(id_, {"os-resetState": {"state": "error"}}),
            "SOFT_DELETED": lambda id_: self._call("delete", f"/servers/{id_}"),
        }
        if status in changes:
            for id_ in ids:
                changes[status](id_)
            self._wait(ids, status)
        return ids

    def _boot(self, count: int, on: str) -> list[str]:
        """Ids of `count` new ACTIVE servers on the host `on`.

        On a busy machine a heartbeat is late at times, and nova's scheduler takes the host for
        down: servers that found no host are asked for again.
        """
        ids = [self.ask(on=on) for _ in range(count)]
        for _ in range(ATTEMPTS - 1):
            for id_ in ids:
                built = self._is(id_, lambda server: server is None or server["status"] != "BUILD")
                wait_until(built, timeout=TIMEOUT, what=f"server {id_} to be built")
            lost = [id_ for id_ in ids if found_no_host(self._show(id_))]
            if not lost:
                break
            self.delete(lost)
            ids = [id_ for id_ in ids if id_ not in lost] + [self.ask(on=on) for _ in lost]
        self._wait(ids, "ACTIVE")
        return ids

    def delete(self, ids: Iterable[str]) -> None:
        """Delete at once, whatever their state; returns when they are gone."""
        ids = list(ids)
        for id_ in ids:
            self._act(id_, {"forceDelete": None}, missing_ok=True)
        for id_ in ids:
            gone = self._is(id_, lambda server: server is None)
            wait_until(gone, timeout=TIMEOUT, what=f"server {id_} to be gone")

    def on(self, host: str) -> list[str]:
        """Ids of the servers of exactly this host, soft-deleted ones too."""
        # Without soft_deleted nova leaves these out, even if they are asked for by status.
        path = f"/servers/detail?all_tenants=1&soft_deleted=True&host={host}"
        found = self._call("get", path).json()["servers"]
        return [s["id"] for s in found if s["OS-EXT-SRV-ATTR:host"] == host]

    def ask(self, *, on: str) -> str:
        """Ask for a server on the host; its id. Nova answers before it is scheduled."""
        server = {
            "name": f"vm-{uuid.uuid4().hex[:8]}",
            "imageRef": self._image,
            "flavorRef": self._flavor,
            "networks": "none",
            "host": on,
        }
        answer = self._call("post", "/servers", json={"server": server})
        return str(answer.json()["server"]["id"])

    def _larger(self) -> dict[str, str]:
        """A flavor to be resized to, which takes the server to another host."""
        compute = self._cloud.compute
        found = compute.find_flavor(LARGER) or compute.create_flavor(
            name=LARGER, ram=128, vcpus=1, disk=1, is_public=True
        )
        return {"flavorRef": str(found.id)}

    def _wait(self, ids: Iterable[str], status: str) -> None:
        for id_ in ids:
            is_so = self._is(id_, lambda server: reached(server, status))
            wait_until(is_so, timeout=TIMEOUT, what=f"server {id_} to become {status}")

    def _is(self, id_: str, check: Callable[[Any], bool]) -> Callable[[], bool]:
        return lambda: check(self._show(id_))

    def _show(self, id_: str) -> dict[str, Any] | None:
        answer = self._call("get", f"/servers/{id_}", missing_ok=True)
        return None if answer.status_code == NOT_FOUND else answer.json()["server"]

    def _act(self, id_: str, body: dict[str, Any], *, missing_ok: bool = False) -> None:
        self._call("post", f"/servers/{id_}/action", json=body, missing_ok=missing_ok)

    def _call(self, method: str, path: str, *, missing_ok: bool = False, **options: Any) -> Any:
        session = self._cloud.compute
        answer = session.request(
            path, method.upper(), microversion=MICROVERSION, raise_exc=False, **options
        )
        if answer.ok or (missing_ok and answer.status_code == NOT_FOUND):
            return answer
        raise LabError(f"{method.upper()} {path}: {answer.status_code} {answer.text}")


def found_no_host(server: dict[str, Any] | None) -> bool:
    fault = (server or {}).get("fault") or {}
    return "No valid host" in fault.get("message", "")


def reached(server: dict[str, Any] | None, status: str) -> bool:
    """True when the server has the status and nothing is done to it.

    :raises LabError: it is gone, or in ERROR.
    """
    if server is None:
        raise LabError(f"a server is gone that was to become {status}")
    if server["status"] == "ERROR" != status:
        # An administrator's fault has `details` as well: nova's traceback, of 20 lines.
        fault = server.get("fault") or {}
        message = fault.get("message", "no fault").strip()
        raise LabError(f"server {server['id']} is in ERROR: {message}")
    return bool(server["status"] == status and server["OS-EXT-STS:task_state"] is None)
