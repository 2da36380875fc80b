# SPDX-License-Identifier: Apache-2.0
"""Blazar, cinder, masakari and OVN of a lab, by their own means; and users of one role."""

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import yaml

from tests.lab import Lab
from tests.lab.extras.blazar import POOL
from tests.lab.extras.ovn import OvnNetwork
from tests.lab.schema import FLAVOR
from tests.lab.waiting import wait_until
from tests.scenarios import calls

TIMEOUT = 60.0
ON_MAINTENANCE = "SELECT on_maintenance FROM masakari.hosts WHERE deleted = 0 AND name = '{host}'"


def failing_stop(lab: Lab, host: str, directory: Path, seen: Path) -> str:
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


def killing_stop(directory: Path) -> str:
    """A command that kills the program that runs it."""
    script = directory / "kill"
    script.write_text("#!/bin/sh\nkill -9 $PPID\n")
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return str(script)


def volumes(lab: Lab, count: int) -> list[str]:
    """New volumes that a server can boot from."""
    made = [
        cinder(lab, "POST", "/volumes", {"volume": {"size": 1}})["volume"]["id"]
        for _ in range(count)
    ]
    for volume in made:
        wait_until(
            lambda: cinder(lab, "GET", f"/volumes/{volume}")["volume"]["status"] == "available",  # noqa: B023
            timeout=TIMEOUT,
            what=f"volume {volume}",
        )
        cinder(lab, "POST", f"/volumes/{volume}/action", {"os-set_bootable": {"bootable": True}})
    return made


def volumes_left(lab: Lab) -> list[Any]:
    found: list[Any] = cinder(lab, "GET", "/volumes?all_tenants=1")["volumes"]
    return found


def boot_from(lab: Lab, volume: str, host: str) -> str:
    """A server on the host whose disk is the volume."""
    disk = {"boot_index": 0, "uuid": volume, "source_type": "volume", "destination_type": "volume"}
    flavors = calls.compute(lab, "GET", "/flavors")["flavors"]
    flavor = next(f["id"] for f in flavors if f["name"] == FLAVOR)
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


def attached(lab: Lab, volumes: list[str]) -> list[list[str]]:
    """The hosts of the attachments of each volume, as cinder has them."""
    found = (cinder(lab, "GET", f"/volumes/{volume}")["volume"] for volume in volumes)
    return [[a["host_name"] for a in volume["attachments"]] for volume in found]


def attach(lab: Lab, volume: str, host: str) -> str:
    """An attachment to the host for a server that nova does not know."""
    connector = {"host": host, "ip": "127.0.0.1", "initiator": f"iqn.2026-11.lab:{host}"}
    asked = {"volume_uuid": volume, "instance_uuid": str(uuid4()), "connector": connector}
    made: str = attachments(lab, "POST", "", {"attachment": asked})["attachment"]["id"]
    attachments(lab, "POST", f"/{made}/action", {"os-complete": {}})
    return made


def service(lab: Lab, host: str) -> dict[str, Any] | None:
    found = cinder(lab, "GET", "/os-services")["services"]
    return next((s for s in found if s["host"] == f"{host}@lab"), None)


def is_scheduled_to(lab: Lab, host: str) -> bool:
    """Cinder's scheduler knows the backend of the host, and no other."""
    return backends(lab) == [f"{host}@lab"]


def is_known(lab: Lab, backend: str) -> bool:
    return backend in backends(lab)


def backends(lab: Lab) -> list[str]:
    """The backends that cinder's scheduler knows."""
    pools = cinder(lab, "GET", "/scheduler-stats/get_pools")["pools"]
    return [p["name"].partition("#")[0] for p in pools]


def is_on(lab: Lab, volume: str, backend: str) -> bool:
    """Cinder has moved the volume to this backend."""
    found = cinder(lab, "GET", f"/volumes/{volume}")["volume"]
    assert found["migration_status"] != "error"
    return str(found["os-vol-host-attr:host"]).partition("#")[0] == backend


def service_is(lab: Lab, host: str, state: str) -> bool:
    return (service(lab, host) or {}).get("state") == state


def watched(lab: Lab, host: str) -> None:
    """Masakari has the host in a segment."""
    segment = {"name": host, "recovery_method": "auto", "service_type": "compute"}
    place = masakari(lab, "POST", "/segments", {"segment": segment})["segment"]["uuid"]
    record = {"name": host, "type": "COMPUTE", "control_attributes": "none"}
    masakari(lab, "POST", f"/segments/{place}/hosts", {"host": record})


def watching(lab: Lab, host: str) -> list[bool]:
    """Masakari's records of the host: whether each is on maintenance."""
    return [
        record["on_maintenance"]
        for segment in masakari(lab, "GET", "/segments")["segments"]
        for record in masakari(lab, "GET", f"/segments/{segment['uuid']}/hosts")["hosts"]
        if record["name"] == host
    ]


def reservable(lab: Lab, host: str) -> None:
    """Blazar may give leases of the host."""
    blazar(lab, "POST", "/os-hosts", {"name": host})


def lease(lab: Lab, host: str) -> str:
    """A lease of the host for tomorrow; its id."""
    start = datetime.now(UTC) + timedelta(days=1)
    wanted = {
        "resource_type": "physical:host",
        "min": 1,
        "max": 1,
        "hypervisor_properties": f'["=", "$hypervisor_hostname", "{host}"]',
        "resource_properties": "",
    }
    asked = {
        "name": f"of-{host}",
        "start_date": f"{start:%Y-%m-%d %H:%M}",
        "end_date": f"{start + timedelta(hours=1):%Y-%m-%d %H:%M}",
        "reservations": [wanted],
        "events": [],
    }
    return str(blazar(lab, "POST", "/leases", asked)["lease"]["id"])


def reserving(lab: Lab, host: str) -> list[str]:
    """The ids of blazar's records of the host."""
    found = blazar(lab, "GET", "/os-hosts")["hosts"]
    return [str(record["id"]) for record in found if record["service_name"] == host]


def pool(lab: Lab) -> list[str]:
    """The hosts that blazar may reserve, as nova has them."""
    return list(lab.connection().compute.find_aggregate(POOL, ignore_missing=False).hosts)


def blazar(lab: Lab, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    """A call of its first version; the SDK would take the second, which adds no host."""
    connection = lab.connection()
    url = f"{connection.endpoint_for('reservation')}{path}"
    answer = connection.session.request(url, method, json=body, raise_exc=False)
    assert answer.ok, f"{method} {path}: {answer.status_code} {answer.text}"
    return answer.json() if answer.content else None


def cinder(lab: Lab, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    return calls.of_service(lab, "block_storage", method, path, body)


def attachments(lab: Lab, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    return calls.of_service(lab, "block_storage", method, f"/attachments{path}", body, "3.44")


def masakari(lab: Lab, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    return calls.of_service(lab, "instance_ha", method, path, body)


def login(lab: Lab, role: str, directory: Path) -> dict[str, str]:
    """The environment of a user with exactly this role, and on one project only."""
    identity: Any = lab.connection().identity
    name = f"only-{role}"
    # A new password would make keystone refuse the tokens of the same second.
    user = identity.find_user(name) or identity.create_user(
        name=name, domain_id="default", password=name
    )
    project, found = identity.find_project("admin"), identity.find_role(role)
    identity.assign_project_role_to_user(project, user, found)
    document = yaml.safe_load(lab.clouds_yaml.read_text())
    document["clouds"][lab.cloud]["auth"] |= {"username": name, "password": name}
    file = directory / f"{name}.yaml"
    file.write_text(yaml.safe_dump(document))
    return {"OS_CLIENT_CONFIG_FILE": str(file)}


def volume_row(lab: Lab) -> None:
    """A volume that no cinder-volume has made."""
    calls.sql(
        lab,
        "cinder",
        "INSERT INTO volumes (id, created_at, deleted, host, size, status, attach_status, "
        "volume_type_id, use_quota, project_id, user_id) SELECT UUID(), UTC_TIMESTAMP(), 0, "
        "'node1@lab#lab', 1, 'available', 'detached', id, 0, 'of-nobody', 'nobody' "
        "FROM volume_types WHERE deleted = 0 LIMIT 1",
    )


@contextmanager
def refused(lab: Lab, service: str, right: str) -> Iterator[None]:
    """Nobody has the right in a service; it reads the file at its next request."""
    file = lab.extras.place(service).etc / "policy.yaml"
    file.write_text(f'"{right}": "!"\n')
    yield
    file.unlink()


@contextmanager
def many(lab: Lab, count: int) -> Iterator[None]:
    """So many hosts in cinder and in one segment of masakari, of which nova knows none."""
    segment = {"name": "many", "recovery_method": "auto", "service_type": "compute"}
    place = masakari(lab, "POST", "/segments", {"segment": segment})["segment"]["uuid"]
    calls.sql(
        lab,
        "cinder",
        "INSERT INTO services (created_at, updated_at, deleted, host, `binary`, topic, "
        "report_count, disabled) SELECT '2026-01-01', '2026-01-01', 0, CONCAT('many', seq, "
        f"'@lab'), 'cinder-volume', 'cinder-volume', 1, 0 FROM seq_1_to_{count}",
    )
    calls.sql(
        lab,
        "masakari",
        "INSERT INTO hosts (created_at, deleted, uuid, name, failover_segment_id, type, reserved, "
        "control_attributes, on_maintenance) SELECT UTC_TIMESTAMP(), 0, UUID(), "
        f"CONCAT('many', seq), %s, 'COMPUTE', 0, 'none', 0 FROM seq_1_to_{count}",
        place,
    )
    yield
    calls.sql(lab, "cinder", "DELETE FROM services WHERE host LIKE 'many%%'")
    calls.sql(lab, "masakari", "DELETE FROM hosts WHERE name LIKE 'many%%'")
    masakari(lab, "DELETE", f"/segments/{place}")


def chassis(ovn: OvnNetwork, table: str = "Chassis") -> dict[str, str]:
    """Name -> uuid of the records of OVN."""
    listed = ovn.sbctl(
        "--bare", "--no-heading", "--format=csv", "--columns=name,_uuid", "list", table
    )
    return dict(line.split(",") for line in listed.split())


def with_metadata_agent(ovn: OvnNetwork, host: str) -> str:
    """A metadata agent that has registered on the chassis and answers nothing; its id."""
    made = str(uuid4())
    said = {"neutron:ovn-metadata-id": made, "neutron:ovn-metadata-sb-cfg": "0"}
    ids = [f'external_ids:"{key}"="{value}"' for key, value in said.items()]
    ovn.sbctl("set", "Chassis_Private", host, *ids)
    return made
