# SPDX-License-Identifier: Apache-2.0
"""Volumes of the lab's cinder that one server or several have, and what frees a host of them."""

from functools import partial
from typing import Any

from tests.cli.client import Client
from tests.cli.run import NovaDecom, Ran
from tests.lab import Lab
from tests.lab.extras.cinder import SECOND, VOLUME, Cinder
from tests.lab.waiting import wait_until
from tests.scenarios import beside, calls

TIMEOUT = 60.0


def volumes(lab: Lab, count: int, *, shared: bool = False) -> list[str]:
    """New volumes that a server can boot from; a shared one can be attached to several.

    Cinder's scheduler has no backend of the lab for a type of shared volumes.
    """
    wait_until(lambda: bool(beside.backends(lab)), timeout=TIMEOUT, what="a backend of cinder")
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


def leaves(lab: Lab, client: Client, refused: Ran, volume: str) -> None:
    """By the command that the refusal names, to the other backend."""
    (remedy,) = (f["remedy"] for f in refused.host["findings"] if f["guard"] == "volumes-on-host")
    other = "controller@lab"
    wait_until(partial(beside.is_known, lab, other), timeout=TIMEOUT, what=other)

    client.typed(remedy, "volume migrate", BACKEND=other, VOLUME=volume)

    wait_until(partial(beside.is_on, lab, volume, other), timeout=TIMEOUT, what="the migration")


def service_goes(lab: Lab, decom: NovaDecom, client: Client, host: str) -> None:
    """The service of cinder is named until the line that is printed was typed."""
    wait_until(lambda: not beside.volumes_left(lab), timeout=TIMEOUT, what="the volumes to go")
    lab.processes.stop(VOLUME, SECOND)
    wait_until(
        partial(beside.service_is, lab, host, "down"), timeout=TIMEOUT, what="cinder-volume"
    )
    left = decom("verify", host, "-f", "json")
    assert left.code == 3, left.shown
    (leftover,) = left.host["leftovers"]
    typed = leftover["remedy"].partition(",")[0]
    assert typed == f"cinder-manage service remove cinder-volume {host}@lab"
    assert f"{host}@lab" in client.typed(leftover["remedy"], "volume service list")
    Cinder().manage(lab.extras.place("cinder"), *typed.split()[1:])
    assert client.typed(leftover["remedy"], "volume service list").strip() == ""
    verified = decom("verify", host, "-f", "json")
    assert verified.code == 0, verified.shown
    assert beside.service(lab, host) is None
