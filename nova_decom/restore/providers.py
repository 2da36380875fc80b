# SPDX-License-Identifier: Apache-2.0
"""Resource providers that nova or the run deleted, put back with their parts. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from nova_decom.model.api_call import create_provider, set_provider_part
from nova_decom.model.change import Change
from nova_decom.model.plan import Leftover
from nova_decom.restore.current import CurrentHost, Row
from nova_decom.restore.saved import SavedHost

STEP = "restore-providers"
#: nova-compute sets this trait while its service is disabled, which a restored one need not be.
DISABLED = "COMPUTE_STATUS_DISABLED"
#: Traits that others than nova-compute set.
CUSTOM = "CUSTOM_"
#: The provider that a create request makes.
BARE: Row = {"generation": 0, "inventories": {}, "traits": [], "aggregates": []}


def restored_providers(
    past: SavedHost, present: CurrentHost, nodes: Collection[str]
) -> Iterator[Change]:
    """The changes that put back each saved provider, parents first, and what it lacks.

    Only trees of compute ``nodes`` (uuids) that live, now or by this restore: a nova-compute that
    registers anew, under another uuid, could not create its own provider of that name.
    """
    lost = {x.target for x in lost_providers(past, present, nodes)}
    for saved in _wanted(past, nodes):
        if lost & {saved["uuid"], saved["parent_provider_uuid"], saved["root_provider_uuid"]}:
            continue
        now = present.providers.get(saved["uuid"])
        if now is None:
            call = create_provider(saved["uuid"], saved["name"], saved["parent_provider_uuid"])
            yield Change(STEP, "create", saved["uuid"], call.text, call=call)
        yield from _parts(saved, now or BARE)


def lost_providers(
    past: SavedHost, present: CurrentHost, nodes: Collection[str]
) -> Iterator[Leftover]:
    """Saved providers whose name another provider has now."""
    for saved in _wanted(past, nodes):
        other = _other_of_that_name(saved, present)
        if saved["uuid"] not in present.providers and other is not None:
            yield Leftover(
                "resource-provider",
                saved["uuid"],
                f"its name {saved['name']} is that of resource provider {other}",
                "nothing is to be done when that one is right; else delete it and run again",
            )


def _wanted(past: SavedHost, nodes: Collection[str]) -> Sequence[Row]:
    """The saved providers of these compute nodes' trees, each after its parent."""
    todo = [p for p in past.trees if p["root_provider_uuid"] in nodes]
    return sorted(todo, key=lambda p: _depth(p, {q["uuid"]: q for q in todo}))


def _depth(provider: Row, trees: Mapping[str, Row]) -> int:
    parent = trees.get(provider["parent_provider_uuid"] or "")
    return 0 if parent is None else 1 + _depth(parent, trees)


def _other_of_that_name(saved: Row, present: CurrentHost) -> str | None:
    """The uuid of another provider of the host, or of its name, that has the saved one's."""
    found = (*present.facts.providers, *present.facts.same_name_providers)
    others = (p.uuid for p in found if p.name == saved["name"] and p.uuid != saved["uuid"])
    return next(others, None)


def _parts(saved: Row, now: Row) -> Iterator[Change]:
    """One change for each part that lacks something that was saved, inventories last.

    A provider with inventories is restored, or nova-compute keeps it: of traits, only those of
    others are looked for then.
    """
    is_kept = bool(now["inventories"])
    traits = {t for t in saved["traits"] if t.startswith(CUSTOM) or not is_kept} - {DISABLED}
    for part, wanted in (("traits", traits), ("aggregates", set(saved["aggregates"]))):
        if wanted - set(now[part]):
            yield _set(saved, now, part, sorted({*wanted, *now[part]}))
    if saved["inventories"] and not is_kept:
        yield _set(saved, now, "inventories", saved["inventories"])


def _set(saved: Row, now: Row, part: str, content: object) -> Change:
    call = set_provider_part(saved["uuid"], part, content, now["generation"])
    detail = f"{call.text} ({saved['name']})"
    return Change(STEP, part, saved["uuid"], detail, call=call)
