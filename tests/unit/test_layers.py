# SPDX-License-Identifier: Apache-2.0
"""Imports go one way, and each library has one door."""

from __future__ import annotations

import sys

import pytest

from tests.layers import DOORS, LEVEL, MODULES, ROOT, graph, imports_of, own_imports_of, part_of


def each_module():
    """A readable name for each file."""
    return pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))


@each_module()
def test_every_file_has_its_folder_in_the_table(path):
    """A new folder has to be given a place."""
    assert part_of(path) in LEVEL


@each_module()
def test_imports_go_one_way(path):
    """No folder imports one below itself in the table."""
    assert [n for n in own_imports_of(path) if LEVEL[n] > LEVEL[part_of(path)]] == []


def test_no_two_folders_import_each_other():
    """Between folders of one layer too, imports go one way."""
    edges = graph()

    assert [(a, b) for a in edges for b in edges[a] if a in edges[b]] == []


@each_module()
def test_each_library_has_its_door(path):
    """Everything that is not of Python itself is imported by the folders named, and no other."""
    tops = {name.split(".")[0] for name in imports_of(path)}
    foreign = tops - set(sys.stdlib_module_names) - {"nova_decom"}

    assert [n for n in sorted(foreign) if part_of(path) not in DOORS.get(n, ((), ""))[0]] == []


def test_the_table_of_doors_names_only_libraries_in_use():
    """A library that is gone leaves the table too."""
    used = {name.split(".")[0] for path in MODULES for name in imports_of(path)}

    assert set(DOORS) <= used
