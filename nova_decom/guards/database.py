# SPDX-License-Identifier: Apache-2.0
"""Guards about rows and databases."""

from __future__ import annotations

from nova_decom.model.cloud import NOVA_COMPUTE
from nova_decom.model.host import HostFacts
from nova_decom.model.plan import Objection, Verdict, some
from nova_decom.model.rows import DatabaseFacts


def node_owner(facts: HostFacts) -> Objection | None:
    """Nova's own delete takes no compute node of another host with it.

    Nova deletes ``service_id = S OR host = H`` (nova 34.0.0 db/main/api.py:375), and a stale
    service_id may name the node of a neighbour.
    """
    rows = facts.database.compute_nodes if facts.database else ()
    foreign = [r for r in rows if r.host != facts.host and not r.deleted]
    if not foreign:
        return None
    texts = (f"compute_nodes {r.id} ({r.hypervisor_hostname}) of {r.host!r}" for r in foreign)
    return Objection(
        f"deleting the service would also delete {some(texts)}",
        "correct compute_nodes.service_id of that row first",
    )


def database_access(facts: HostFacts) -> Objection | None:
    """The database can be read and written as the plan needs it."""
    if facts.database is None:
        return Objection(
            "database not checked: none is configured",
            "give --nova-conf, --api-db-url or --cell-db-url",
            Verdict.WARNING,
        )
    if facts.database.problems:
        problems = "; ".join(facts.database.problems)
        return Objection(problems, "nova-decom doctor shows each check and its cure")
    return _another_cloud(facts, facts.database)


def _another_cloud(facts: HostFacts, database: DatabaseFacts) -> Objection | None:
    """Nova lists every live service of its cells: what only one of the two knows is not right."""
    listed = {s.id for s in facts.services}
    live = [r for r in database.services if r.binary == NOVA_COMPUTE and not r.deleted]
    unlisted = [r for r in live if r.uuid and r.uuid not in listed]
    remedy = "check the database URLs, and that nova-api reaches every cell"
    if unlisted:
        return Objection(
            f"{database.cell} has a live nova-compute of {facts.host!r} (services "
            f"{unlisted[0].id}) that nova's API does not list: the database of another cloud, or "
            "a cell that nova-api cannot reach",
            remedy,
        )
    if facts.service is not None and not live:
        return Objection(
            f"no cell database that is given has the nova-compute service of {facts.host!r}",
            remedy,
        )
    return None
