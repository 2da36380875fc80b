# SPDX-License-Identifier: Apache-2.0
"""The cells of a lab: a database, a virtual host of RabbitMQ and a nova-conductor each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.lab.errors import LabError

Computes = Sequence[str] | Mapping[str, Sequence[str]]
"""Names of hosts, or the names of each cell's hosts by the cell's name."""


@dataclass(frozen=True)
class Cell:
    """A cell by its number, from 1. The first shares RabbitMQ's "/" with the control plane."""

    number: int

    @property
    def name(self) -> str:
        """The cell's name in nova_api.cell_mappings."""
        return f"cell{self.number}"

    @property
    def suffix(self) -> str:
        """The end of the names of the cell's own files, processes and controller."""
        return "" if self.number == 1 else f"-{self.name}"

    @property
    def database(self) -> str:
        return "nova" if self.number == 1 else f"nova_{self.name}"

    @property
    def vhost(self) -> str:
        """The virtual host as the last part of a transport URL."""
        return "" if self.number == 1 else self.name

    @property
    def conductor(self) -> str:
        """The name of its nova-conductor among the processes."""
        return f"nova-conductor{self.suffix}"


FIRST = Cell(1)


def default_computes(cells: int, computes: int = 3) -> dict[str, tuple[str, ...]]:
    """As many hosts in each cell: node1, node2, … and node1-cell2, node2-cell2, …"""
    return {
        cell.name: tuple(f"node{index}{cell.suffix}" for index in range(1, computes + 1))
        for cell in map(Cell, range(1, cells + 1))
    }


def cell_of_each(computes: Computes) -> dict[str, str | None]:
    """Host -> the name of its cell, None where `computes` gives none.

    :raises LabError: a host is in two cells.
    """
    if not isinstance(computes, Mapping):
        return dict.fromkeys(computes)
    found: dict[str, str | None] = {}
    for cell, hosts in computes.items():
        for host in hosts:
            if found.setdefault(host, cell) != cell:
                raise LabError(f"host {host} cannot be in both {found[host]} and {cell}")
    return found
