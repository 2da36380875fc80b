# SPDX-License-Identifier: Apache-2.0
"""The databases of the options, and the cells of the cell mappings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from nova_decom.clients.mysql.connection import Database
from nova_decom.clients.mysql.url import Target, expand_template, target
from nova_decom.errors import ConfigurationError

#: The uuid of the cell of servers that were never scheduled, in every cloud.
CELL0 = "00000000-0000-0000-0000-000000000000"


@dataclass(frozen=True, slots=True)
class Sources:
    """The databases that the operator gives; ``main`` fills in templates of cell mappings."""

    api: Target | None = None
    cells: tuple[Target, ...] = ()
    main: str | None = field(default=None, repr=False)

    def __bool__(self) -> bool:
        """True when any database is given."""
        return self.api is not None or bool(self.cells)

    @property
    def labels(self) -> tuple[str, ...]:
        """Name and place of each database given, without passwords."""
        return tuple(p.label for p in (self.api, *self.cells) if p is not None)


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell and its database; ``uuid`` is None without an API database."""

    uuid: str | None
    name: str
    database: Database
    #: Where its message queue is.
    transport: str | None = field(default=None, repr=False)


def find_cells(
    sources: Sources, api: Database | None, connect: Callable[[Target], Database]
) -> Iterator[Cell]:
    """Every cell that can have hosts: those of the cell mappings but cell0, else those given."""
    if api is None:
        places = sources.cells
        names = _unique([(p.database, p.label) for p in places])
        for name, place in zip(names, places, strict=True):
            yield Cell(None, name, connect(place))
        return
    rows = api.rows("SELECT uuid, name, database_connection, transport_url FROM cell_mappings")
    mappings = [m for m in rows if m["uuid"] != CELL0]
    urls = [expand_template(m["database_connection"], sources.main) for m in mappings]
    names = _unique([(m["name"] or m["uuid"], m["uuid"]) for m in mappings])
    places = _prefer([target(url) for url in urls], sources.cells)
    for mapping, name, place in zip(mappings, names, places, strict=True):
        yield Cell(mapping["uuid"], name, connect(place), mapping["transport_url"])


def _prefer(mapped: Sequence[Target], given: Sequence[Target]) -> tuple[Target, ...]:
    """The databases of the cell mappings, each replaced by the given target that is the same.

    Host, port and database decide first; the rest is matched by database name, if exactly one
    mapping and one given target have it.

    :raises ConfigurationError: a given target is none of the mapped databases.
    """
    chosen: dict[int, Target] = {}
    left = list(given)
    for key in (_place, _name):
        for number, place in enumerate(mapped):
            same = [t for t in left if key(t) == key(place)]
            rivals = [p for n, p in enumerate(mapped) if n not in chosen and key(p) == key(place)]
            if number not in chosen and len(same) == len(rivals) == 1:
                chosen[number] = same[0]
                left.remove(same[0])
    if left:
        raise ConfigurationError(
            f"no cell mapping names the database {left[0].label}, or several do",
            "compare --cell-db-url with: nova-manage cell_v2 list_cells",
        )
    return tuple(chosen.get(number, place) for number, place in enumerate(mapped))


def _place(place: Target) -> tuple[str, int, str]:
    return place.place


def _name(place: Target) -> str:
    return place.database


def _unique(names: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    """The first text of each pair, followed by the second where several have the same first.

    Nova lets two cells have one name, and the name decides in which cell a transaction runs.
    """
    firsts = [first for first, _ in names]
    return tuple(
        first if firsts.count(first) == 1 or first == second else f"{first} ({second})"
        for first, second in names
    )
