# SPDX-License-Identifier: Apache-2.0
"""Copies of large frozen values with some fields replaced."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, TypeVar

T = TypeVar("T")

if TYPE_CHECKING:
    # The type checker knows this function, and checks the names and types of the fields.
    from dataclasses import replace as replace  # noqa: PLC0414 - exported for the type checker
else:

    def replace(value: T, /, **fields: Any) -> T:  # noqa: ANN401
        """A copy of ``value`` with these fields, as by :func:`dataclasses.replace`.

        That function sets each field by itself. The facts of a host have 30 fields, and a plan
        copies them a dozen times: without slots, they are copied at once. ``value`` has neither
        derived fields nor cached properties.

        :raises TypeError: a name is no field.
        """
        if not hasattr(value, "__dict__"):
            return dataclasses.replace(value, **fields)
        unknown = fields.keys() - value.__dict__.keys()
        if unknown:
            raise TypeError(f"{type(value).__name__} has no field {', '.join(sorted(unknown))}")
        copy = object.__new__(type(value))
        copy.__dict__.update(value.__dict__, **fields)
        return copy
