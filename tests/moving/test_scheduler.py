# SPDX-License-Identifier: Apache-2.0
"""The guards foretell what nova does; `python -m tests.moving.scheduler` tries more seeds."""

from nova_decom.cli.context import Context
from tests.cli.conftest import app
from tests.lab import Lab
from tests.moving.scheduler import built, cases

__all__ = ["app"]
#: Seeds that differ from each other: room, no room, and room only in some ways.
SEEDS = (1, 3, 12, 29)


def test_the_forecast_is_what_nova_does(lab: Lab, app: Context) -> None:
    """No yes that nova does not keep, and no no to what nova does."""
    with built(lab) as made:
        found = list(cases(lab, made, app, SEEDS))

    assert [str(case) for case in found if case.differs] == []
    assert {bool(case.blocked) for case in found} == {True, False}
    assert any(case.warned for case in found)
