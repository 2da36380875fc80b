# SPDX-License-Identifier: Apache-2.0
"""Copies of facts: equal to those that the standard library makes."""

from __future__ import annotations

import dataclasses

import pytest

from nova_decom.model.copies import replace
from tests.unit import build


def test_a_copy_is_the_one_of_the_standard_library():
    """With slots and without; the original is as before."""
    for value, fields in (
        (build.facts(), {"unchecked": ("cinder",), "host": "node9"}),
        (build.service_row(), {"deleted": 7}),
    ):
        before = dataclasses.replace(value)
        copy = replace(value, **fields)

        assert copy == dataclasses.replace(value, **fields)
        assert value == before
        with pytest.raises(dataclasses.FrozenInstanceError):
            copy.host = "other"


def test_a_name_that_is_no_field_is_refused():
    """As by the standard library, with slots and without."""
    for value in (build.facts(), build.service_row()):
        with pytest.raises(TypeError, match="nosuch"):
            replace(value, nosuch=1)
