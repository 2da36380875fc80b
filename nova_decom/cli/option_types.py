# SPDX-License-Identifier: Apache-2.0
"""Types of option values that click does not have."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import click


class Seconds(click.FloatRange):
    """A finite number of seconds that is not below the minimum; NaN would bound no wait."""

    name = "seconds"

    def convert(
        self,
        value: Any,  # noqa: ANN401
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> float:
        """The number of seconds.

        :raises click.BadParameter: the value is no such number.
        """
        least = self.min or 0.0
        try:
            number = float(value)
        except (TypeError, ValueError):
            number = math.nan
        if not (math.isfinite(number) and number >= least):
            self.fail(f"must be a number of seconds, {least:g} or more, not {value!r}", param, ctx)
        return number


class Paths(click.Path):
    """A path of a list."""

    def split_envvar_value(self, rv: str) -> Sequence[str]:
        """The paths of a variable, between blanks as the values of every other list."""
        return rv.split()
