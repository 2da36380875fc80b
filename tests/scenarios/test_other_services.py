# SPDX-License-Identifier: Apache-2.0
"""A host that cinder and masakari know as well."""

import stat
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.cli.run import NovaDecom
from tests.lab import Lab
from tests.lab.extras.cinder import VOLUME, Cinder
from tests.lab.waiting import wait_until
from tests.scenarios import calls, states
from tests.scenarios.registry import scenario

EXTRAS = ("cinder", "masakari")
TIMEOUT = 60.0
ON_MAINTENANCE = "SELECT on_maintenance FROM masakari.hosts WHERE deleted = 0 AND name = '{host}'"


@pytest.fixture(scope="module", autouse=True)
def _extras(lab: Lab, hosts: object) -> Iterator[None]:  # noqa: ARG001
    """Cinder and masakari beside the nova that runs, as long as they are needed."""
    lab.extras.start(*EXTRAS)
    yield
    lab.extras.remove(*EXTRAS)


@scenario(
    "H01",
    state="a hyperconverged host: cinder serves volumes there, two servers boot from them, one "
    "is SHUTOFF, a third is there when the machine dies; cinder has a volume attached to the host "
    "for a server that is long gone; masakari watches the host",
    by_hand="masakari evacuates the host when nova-compute is stopped, and keeps it for ever; "
    "services of cinder stay in the list",
    does="refuses because of the volumes; moves the servers live, cold and by evacuation, their "
    "attachments too; has masakari pause before it disables, takes that back when the stop fails, "
    "deletes the record with the host; names the attachment and the service of cinder before and "
    "after, with the lines that delete them",
    result="exit 4 until the volumes may stay, exit 3 until the attachment and cinder's service "
    "are deleted, then clean",
)
def test_volumes_and_segment_host(lab: Lab, decom: NovaDecom, host: str, tmp_path: Path) -> None:
    """The end is read from masakari and cinder themselves."""
    Cinder().serve_volumes(lab.extras.place("cinder"), host)
    wait_until(partial(_is_scheduled_to, lab, host), timeout=TIMEOUT, what="cinder-volume")
    *volumes, third, forgotten = _volumes(lab, 4)
    live, cold = (_boot_from(lab, volume, host) for volume in volumes)
    states.brought_to(lab, cold, "os-stop", "SHUTOFF")
    stale = _attach(lab, forgotten, host)
    _watched(lab, host)
    assert _attached(lab, [*volumes, forgotten]) == [[host], [host], [host]]

    refused = decom.remove(host, "--servers", "auto")

    assert refused.code == 4, refused.out + refused.err
    assert set(refused.blocked()) == {"volumes-on-host"}
    assert all(volume in refused.blocked()["volumes-on-host"] for volume in volumes)
    (named,) = (f for f in refused.host["findings"] if f["guard"] == "volume-attachments")
    assert named["message"].partition(": ")[2].startswith(f"{stale} (volume {forgotten}, ")
    seen = tmp_path / "seen"
    options = ("--servers", "auto", "--skip-guard", "volumes-on-host", "--target", "node2")
    stop = ("--stop-with", "command", "--stop-command", _failing_stop(lab, host, tmp_path, seen))

    failed = decom.remove(host, *options, *stop)

    assert failed.code == 1, failed.out + failed.err
    assert seen.read_text().strip() == "1"
    assert _watching(lab, host) == [False]
    assert _attached(lab, volumes) == [["node2"], ["node2"]]
    assert calls.show(lab, live)["status"] == "ACTIVE"
    assert decom("enable", host).code == 0
    lost = _boot_from(lab, third, host)
    states.down(lab, host)

    removed = decom.remove(host, *options, "--servers", "evacuate", "--offline")

    assert removed.code == 3, removed.out + removed.err
    (left,) = removed.host["leftovers"]
    assert (left["kind"], left["target"]) == ("volume-attachment", stale)
    done = removed.changes("done")
    assert done.index("pause-recovery pause") < done.index("disable-service disable")
    assert _watching(lab, host) == []
    assert _attached(lab, [*volumes, third]) == [["node2"], ["node2"], ["node2"]]
    assert [k["host"] for k in removed.host["kept"]] == [f"{host}@lab"]
    assert left["remedy"].split()[-3:] == ["attachment", "delete", stale]
    _attachments(lab, "DELETE", f"/{stale}")
    lab.delete_servers(live, cold, lost)
    for volume in (*volumes, third, forgotten):
        _cinder(lab, "DELETE", f"/volumes/{volume}")
    _service_goes(lab, decom, host)


def _service_goes(lab: Lab, decom: NovaDecom, host: str) -> None:
    """The service of cinder is named until the line that is printed was typed."""
    wait_until(lambda: not _volumes_left(lab), timeout=TIMEOUT, what="the volumes to go")
    lab.processes.stop(VOLUME)
    wait_until(partial(_service_is, lab, host, "down"), timeout=TIMEOUT, what="cinder-volume")
    left = decom("verify", host, "-f", "json")
    assert left.code == 3, left.out + left.err
    (leftover,) = left.host["leftovers"]
    typed = leftover["remedy"].partition(",")[0]
    assert typed == f"cinder-manage service remove cinder-volume {host}@lab"
    Cinder().manage(lab.extras.place("cinder"), *typed.split()[1:])
    verified = decom("verify", host, "-f", "json")
    assert verified.code == 0, verified.out + verified.err
    assert _service(lab, host) is None


def _failing_stop(lab: Lab, host: str, directory: Path, seen: Path) -> str:
    """A command that stops nothing, and writes what masakari's own row is at that time."""
    script = directory / "stop"
    query = ON_MAINTENANCE.format(host=host)
    port = lab.site.ports["mariadb"]
    script.write_text(
        f"#!/bin/sh\nmariadb --no-defaults -h 127.0.0.1 -P {port} -u root -N "
        f'-e "{query}" >{seen}\nexit 1\n'
    )
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return str(script)


def _volumes(lab: Lab, count: int) -> list[str]:
    """New volumes that a server can boot from."""
    made = [
        _cinder(lab, "POST", "/volumes", {"volume": {"size": 1}})["volume"]["id"]
        for _ in range(count)
    ]
    for volume in made:
        wait_until(
            lambda: _cinder(lab, "GET", f"/volumes/{volume}")["volume"]["status"] == "available",  # noqa: B023
            timeout=TIMEOUT,
            what=f"volume {volume}",
        )
        _cinder(lab, "POST", f"/volumes/{volume}/action", {"os-set_bootable": {"bootable": True}})
    return made


def _volumes_left(lab: Lab) -> list[Any]:
    found: list[Any] = _cinder(lab, "GET", "/volumes?all_tenants=1")["volumes"]
    return found


def _boot_from(lab: Lab, volume: str, host: str) -> str:
    """A server on the host whose disk is the volume."""
    disk = {"boot_index": 0, "uuid": volume, "source_type": "volume", "destination_type": "volume"}
    flavor = calls.compute(lab, "GET", "/flavors")["flavors"][0]["id"]
    server = {
        "name": f"from-{volume[:8]}",
        "flavorRef": flavor,
        "networks": "none",
        "host": host,
        "block_device_mapping_v2": [disk],
    }
    # Nova looks for cinder in the catalogue of the token that it is given.
    made = calls.of_service(lab, "compute", "POST", "/servers", {"server": server})
    found = made["server"]["id"]
    calls.wait_for(lab, found, host, "ACTIVE")
    return str(found)


def _attached(lab: Lab, volumes: list[str]) -> list[list[str]]:
    """The hosts of the attachments of each volume, as cinder has them."""
    found = (_cinder(lab, "GET", f"/volumes/{volume}")["volume"] for volume in volumes)
    return [[a["host_name"] for a in volume["attachments"]] for volume in found]


def _attach(lab: Lab, volume: str, host: str) -> str:
    """An attachment to the host for a server that nova does not know."""
    connector = {"host": host, "ip": "127.0.0.1", "initiator": f"iqn.2026-11.lab:{host}"}
    asked = {"volume_uuid": volume, "instance_uuid": str(uuid4()), "connector": connector}
    made: str = _attachments(lab, "POST", "", {"attachment": asked})["attachment"]["id"]
    _attachments(lab, "POST", f"/{made}/action", {"os-complete": {}})
    return made


def _service(lab: Lab, host: str) -> dict[str, Any] | None:
    found = _cinder(lab, "GET", "/os-services")["services"]
    return next((s for s in found if s["host"] == f"{host}@lab"), None)


def _is_scheduled_to(lab: Lab, host: str) -> bool:
    """Cinder's scheduler knows the backend of the host, and no other."""
    pools = _cinder(lab, "GET", "/scheduler-stats/get_pools")["pools"]
    return [p["name"].partition("#")[0] for p in pools] == [f"{host}@lab"]


def _service_is(lab: Lab, host: str, state: str) -> bool:
    return (_service(lab, host) or {}).get("state") == state


def _watched(lab: Lab, host: str) -> None:
    """Masakari has the host in a segment."""
    segment = {"name": host, "recovery_method": "auto", "service_type": "compute"}
    place = _masakari(lab, "POST", "/segments", {"segment": segment})["segment"]["uuid"]
    record = {"name": host, "type": "COMPUTE", "control_attributes": "none"}
    _masakari(lab, "POST", f"/segments/{place}/hosts", {"host": record})


def _watching(lab: Lab, host: str) -> list[bool]:
    """Masakari's records of the host: whether each is on maintenance."""
    return [
        record["on_maintenance"]
        for segment in _masakari(lab, "GET", "/segments")["segments"]
        for record in _masakari(lab, "GET", f"/segments/{segment['uuid']}/hosts")["hosts"]
        if record["name"] == host
    ]


def _cinder(lab: Lab, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    return calls.of_service(lab, "block_storage", method, path, body)


def _attachments(lab: Lab, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    return calls.of_service(lab, "block_storage", method, f"/attachments{path}", body, "3.44")


def _masakari(lab: Lab, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    return calls.of_service(lab, "instance_ha", method, path, body)
