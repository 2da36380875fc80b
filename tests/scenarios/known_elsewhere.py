# SPDX-License-Identifier: Apache-2.0
"""The commands that cure the records of a host in masakari and blazar."""

from tests.cli.client import Client
from tests.cli.run import NovaDecom
from tests.lab import Lab
from tests.scenarios import beside, calls, states


def lease_goes(lab: Lab, decom: NovaDecom, client: Client, host: str) -> None:
    """The host cannot be removed before the lease is deleted."""
    lease = beside.lease(lab, host)
    refused = decom.remove(host)
    assert refused.code == 4, refused.shown
    (finding,) = (f for f in refused.host["findings"] if f["verdict"] == "blocked")
    assert (finding["guard"], lease in finding["message"]) == ("host-reserved", True)

    client.typed(finding["remedy"], "reservation lease delete")

    assert beside.blazar(lab, "GET", "/leases")["leases"] == []


def to_do(decom: NovaDecom) -> dict[str, str]:
    """Service -> what is left to do by hand there, after the last run was restored."""
    back = decom("restore", "last", "--yes", "-f", "json")
    assert back.code == 0, back.shown
    return {text.partition(" ")[0]: text for text in back.host["to_do"]}


def records_come_back(lab: Lab, decom: NovaDecom, client: Client, host: str) -> None:
    """Masakari and blazar know a host again that was removed and restored."""
    left = to_do(decom)
    lab.start_compute(host)

    client.typed(
        left["masakari"], "segment host create", TYPE="COMPUTE", CONTROL_ATTRIBUTES="none"
    )
    client.typed(left["blazar"], "aggregate remove host")
    client.typed(left["blazar"], "reservation host create")

    assert beside.watching(lab, host) == [False]
    assert len(beside.reserving(lab, host)) == 1
    assert host in beside.pool(lab)


def other_spelling_goes(lab: Lab, decom: NovaDecom, client: Client, host: str) -> None:
    """A record of another spelling of the host is not deleted with the host."""
    other = host.upper()
    calls.sql(lab, "masakari", "UPDATE hosts SET name = %s WHERE name = %s", other, host)
    audited = decom("audit", "-f", "json")
    (ghost,) = (h for h in audited.json["hosts"] if h["host"] == other)

    client.typed(ghost["leftovers"][0]["remedy"], "segment host delete")

    assert beside.watching(lab, other) == []


def forgotten_host_goes(lab: Lab, decom: NovaDecom, client: Client, host: str) -> None:
    """Blazar deletes the record of a host only while nova knows the host."""
    states.stopped(lab, host)
    states.deleted_by_api(lab, host)
    left = decom("verify", host, "-f", "json")
    (remedy,) = (x["remedy"] for x in left.host["leftovers"] if x["kind"] == "reservable-host")
    lab.start_compute(host)

    client.typed(remedy, "aggregate add host")
    client.typed(remedy, "reservation host delete")

    assert beside.reserving(lab, host) == []
    assert host not in beside.pool(lab)
