# SPDX-License-Identifier: Apache-2.0
"""The release of a nova, and the oldest nova-compute in it. No I/O."""

from __future__ import annotations

from dataclasses import dataclass

#: The newest minor microversions 2.N of releases, and the newest release that each is of.
MINORS = (60, 65, 72, 79, 87, 88, 90, 93, 95, 96, 100, 103, 104)
RELEASES = (17, 18, 19, 20, 22, 23, 25, 26, 28, 30, 32, 33, 34)
OLDEST, NEWEST = RELEASES[0], RELEASES[-1]


@dataclass(frozen=True, slots=True)
class NovaVersion:
    """The release of nova-api; ``computes`` is the oldest service version of any nova-compute.

    It is None where not the rows of all cells can be read: nova's API does not show it.
    """

    release: int = NEWEST
    computes: int | None = None


def release_of(microversion: str | None) -> int:
    """The newest release whose newest microversion this may be."""
    if microversion is None:
        return NEWEST
    minor = int(microversion.partition(".")[2])
    return max((r for m, r in zip(MINORS, RELEASES, strict=True) if m <= minor), default=OLDEST)
