# SPDX-License-Identifier: Apache-2.0
"""What the guards that need a database let pass, and what they object to."""

from __future__ import annotations

from nova_decom.model.plan import Verdict
from tests.unit import build
from tests.unit.build import database, facts, service

OK, WARNING, BLOCKED = Verdict.OK, Verdict.WARNING, Verdict.BLOCKED
OF_WEB = build.pci_row(status="allocated", instance_uuid="id-of-web")

#: guard, what is the case, facts, verdict, words of the message
ROW_CASES = [
    ("pci-allocated", "none", facts(), OK, ""),
    ("pci-allocated", "no database", facts(database=None), OK, ""),
    ("pci-allocated", "free ones", facts(database=build.PCI_ROWS), OK, ""),
    (
        "pci-allocated",
        "one is claimed",
        facts(database=database(pci_devices=(build.pci_row(status="claimed"),))),
        BLOCKED,
        "1 PCI device in use: 0000:01:00.0 claimed by no server",
    ),
    (
        "pci-allocated",
        "one is claimed by nobody, and nova-compute is down",
        facts(
            service=service(state="down"),
            database=database(pci_devices=(build.pci_row(status="claimed"),)),
        ),
        OK,
        "",
    ),
    (
        "pci-allocated",
        "one is allocated to nobody, and there is no nova-compute",
        build.ghost(
            database=database(services=(), pci_devices=(build.pci_row(status="allocated"),))
        ),
        OK,
        "",
    ),
    (
        "pci-allocated",
        "one has a server that is here",
        facts(servers=(build.server(),), database=database(pci_devices=(OF_WEB,))),
        BLOCKED,
        "0000:01:00.0 allocated by id-of-web",
    ),
    (
        "pci-allocated",
        "one has a server that only the database shows here",
        facts(database=database(instances=(build.instance_row(),), pci_devices=(OF_WEB,))),
        BLOCKED,
        "0000:01:00.0 allocated by id-of-web",
    ),
    (
        "pci-allocated",
        "one has a server that is elsewhere",
        facts(database=database(pci_devices=(OF_WEB,))),
        OK,
        "",
    ),
    (
        "pci-allocated",
        "one was in use before it was deleted",
        facts(database=database(pci_devices=(build.pci_row(deleted=21, status="allocated"),))),
        OK,
        "",
    ),
    ("database-access", "all is well", facts(), OK, ""),
    (
        "database-access",
        "none is configured",
        facts(database=None),
        WARNING,
        "database not checked: none is configured",
    ),
    (
        "database-access",
        "two problems",
        facts(database=database(problems=("no right to DELETE", "read-only"))),
        BLOCKED,
        "no right to DELETE; read-only",
    ),
    (
        "database-access",
        "a live row that the API does not list",
        build.ghost(database=database()),
        BLOCKED,
        "cell1 has a live nova-compute of 'node1' (services 3) that nova's API does not list",
    ),
    (
        "database-access",
        "a live row of another uuid than the API's",
        facts(database=database(services=(build.service_row(uuid="another"),))),
        BLOCKED,
        "the database of another cloud",
    ),
    (
        "database-access",
        "a service that has no live row",
        facts(database=database(services=(build.service_row(deleted=3),))),
        BLOCKED,
        "no cell database that is given has the nova-compute service of 'node1'",
    ),
    (
        "database-access",
        "a service that has no row at all",
        facts(database=build.DatabaseFacts()),
        BLOCKED,
        "no cell database that is given has the nova-compute service of 'node1'",
    ),
    (
        "database-access",
        "a live row without uuid",
        facts(database=database(services=(build.service_row(uuid=None),))),
        OK,
        "",
    ),
    (
        "database-access",
        "a live row of another binary that the API does not list",
        facts(database=build.WITH_CONDUCTOR),
        OK,
        "",
    ),
    ("database-access", "history only", build.history(), OK, ""),
    ("database-access", "a compute node without a service", build.ghost(), OK, ""),
]
