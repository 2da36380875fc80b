# SPDX-License-Identifier: Apache-2.0
"""Guards about rows and databases."""

from __future__ import annotations

from nova_decom.model.cloud import NOVA_COMPUTE
from nova_decom.model.host import HostFacts
from nova_decom.model.plan import Objection, Verdict, some
from nova_decom.model.rows import DatabaseFacts


def node_owner(facts: HostFacts) -> Objection | None:
    """Deleting the service through nova deletes no row of another host.

    Nova deletes ``service_id = S OR host = H`` (nova 34.0.0 db/main/api.py:375). A stale
    service_id may name the node of a neighbour, and SQL finds ``NODE1`` for ``node1``: the
    collation ignores case, and depending on the server accents, blanks at the end and invisible
    characters. Host mappings and aggregate rows are found in the same way.
    """
    return _foreign_nodes(facts) or _twins(facts)


def _foreign_nodes(facts: HostFacts) -> Objection | None:
    """Live compute nodes of other hosts that name the service of this one."""
    rows = facts.database.compute_nodes if facts.database else ()
    foreign = [r for r in rows if r.host != facts.host and not r.deleted]
    if not foreign:
        return None
    texts = (f"compute_nodes {r.id} ({r.hypervisor_hostname}) of {r.host!r}" for r in foreign)
    return Objection(
        f"deleting the service would also delete {some(texts)}",
        "correct compute_nodes.service_id of that row first",
    )


def _twins(facts: HostFacts) -> Objection | None:
    """Other spellings of the name, while anything of the host is live that is found by name."""
    if not (facts.leaving_services or facts.is_haunted):
        return None
    database = facts.database
    twins = database.twins if database else ()
    texts = [f"{t.place}: {t.table} {t.id} of {t.host!r}" for t in twins]
    if database is None or not database.all_cells:
        texts += [f"{name!r} (nova's API)" for name in facts.fleet.spellings(facts.host)]
    if not texts:
        return None
    return Objection(
        f"to nova's database {facts.host!r} is the same name as that of {some(texts)}; nova "
        "would delete both",
        "have these rows corrected or removed in the database by their ids, then plan again",
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
