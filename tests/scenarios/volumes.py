# SPDX-License-Identifier: Apache-2.0
"""Volumes of the lab's cinder that one server or several have."""

from typing import Any

from tests.lab import Lab
from tests.lab.waiting import wait_until
from tests.scenarios import beside, calls

TIMEOUT = 60.0


def volumes(lab: Lab, count: int, *, shared: bool = False) -> list[str]:
    """New volumes that a server can boot from; a shared one can be attached to several.

    Cinder's scheduler has no backend of the lab for a type of shared volumes.
    """
    wait_until(lambda: bool(_pools(lab)), timeout=TIMEOUT, what="a backend of cinder")
    made = beside.volumes(lab, count)
    for volume in made if shared else ():
        calls.sql(lab, "cinder", "UPDATE volumes SET multiattach = 1 WHERE id = %s", volume)
    return made


def disk_of(volume: str) -> dict[str, Any]:
    """What a request for a server has that boots from the volume."""
    disk = {"boot_index": 0, "uuid": volume, "source_type": "volume", "destination_type": "volume"}
    return {"block_device_mapping_v2": [disk]}


def attach(lab: Lab, server: str, volume: str) -> None:
    """The volume is a further disk of the server."""
    body = {"volumeAttachment": {"volumeId": volume}}
    calls.of_service(lab, "compute", "POST", f"/servers/{server}/os-volume_attachments", body)
    await_status(lab, volume, "in-use")


def attached(lab: Lab, volume: str) -> list[str]:
    """The hosts of the attachments of the volume, as cinder has them."""
    (hosts,) = beside.attached(lab, [volume])
    return sorted(hosts)


def await_status(lab: Lab, volume: str, status: str) -> None:
    """Return when cinder has the volume in the status."""

    def reached() -> bool:
        now = beside.cinder(lab, "GET", f"/volumes/{volume}")["volume"]["status"]
        assert not now.startswith("error"), now
        return bool(now == status)

    wait_until(reached, timeout=TIMEOUT, what=f"volume {volume} to be {status}")


def _pools(lab: Lab) -> list[Any]:
    found: list[Any] = beside.cinder(lab, "GET", "/scheduler-stats/get_pools")["pools"]
    return found
