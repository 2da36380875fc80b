# SPDX-License-Identifier: Apache-2.0
"""The claim of a run on a host: text in ``disabled_reason``, a lock between machines.

``nova-decom RUN by USER@HOST until TIME: REASON`` while the run lives; without ``until`` when
it has ended and the host is left as it is; with ``(was disabled)`` when somebody else had
disabled the service before. Nova keeps 255 characters: the reason is cut, never the claim.

Nova has no compare-and-swap for a service. A run writes its claim, lets it stand for a moment,
and reads it again before each step that cannot be taken back: of two runs that wrote, the one
that wrote last finds its own claim, and the other one stops.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

MAX_REASON = 255
#: The longest USER@HOST in a claim.
MAX_OPERATOR = 120
#: The placeholder of the end of validity until the claim is written.
TIME = "TIME"
#: The text between our reason and the reason of whoever disabled the service before.
BEFORE = "; before: "
#: Seconds between writing a claim and the first change that cannot be taken back: longer
#: than another run takes between reading the service and writing its own claim.
EFFECTIVE_AFTER = 2.0
#: Seconds that the clocks of two machines may differ.
SKEW = 60.0
_UNTIL = re.compile(r" until [0-9-]{10}T[0-9:]{8}Z")
_FORM = re.compile(
    r"nova-decom (?P<run>\S+) by (?P<by>.*?)"
    r"(?: until (?P<until>[0-9-]{10}T[0-9:]{8}Z))?(?P<was> \(was disabled\))?: (?P<reason>.*)",
    re.DOTALL,
)


def _nobody(_run: str, _host: str) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class ClaimPolicy:
    """The validity of a claim in seconds, and a test whether a run of this machine has ended."""

    validity: float = 3600.0
    has_ended: Callable[[str, str], bool] = _nobody


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim as it was read; ``until`` is None when its run has ended."""

    run: str
    by: str
    until: datetime | None
    was_disabled: bool
    reason: str

    def has_lapsed(self, now: datetime) -> bool:
        """True when its run has ended, or must have: every wait of a run is bounded."""
        return self.until is None or (now - self.until).total_seconds() > SKEW


def new_claim(run: str, by: str, reason: str) -> str:
    """The claim of a run; its end of validity is filled in by :func:`with_expiry`."""
    name = "".join(by.split()).replace(":", "_")[:MAX_OPERATOR]
    return f"nova-decom {run} by {name} until {TIME}: {reason}"


def read_claim(text: str | None) -> Claim | None:
    """The claim in a ``disabled_reason``; None when the text is no claim."""
    found = _FORM.fullmatch(text or "")
    if found is None:
        return None
    until = found["until"]
    try:
        end = datetime.strptime(until, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC) if until else None
    except ValueError:
        return None
    return Claim(found["run"], found["by"], end, bool(found["was"]), found["reason"])


def belongs_to(run: str, text: str | None) -> bool:
    """True when the text is a claim of this run."""
    return (text or "").startswith(f"nova-decom {run} ")


def run_of(text: str) -> str:
    """The run id of our claim, or its placeholder ``RUN``."""
    return text.split(" ")[1]


def take_over(claim: str, before: str | None) -> str:
    """The claim on a service that is already disabled with the reason ``before``.

    Another run's claim is taken over; somebody else's words are kept after ours.
    """
    other = read_claim(before)
    if other is not None and not other.was_disabled:
        return claim
    head, reason = claim.split(": ", 1)
    words = other.reason.partition(BEFORE)[2] if other else before
    return f"{head} (was disabled): {reason}" + (f"{BEFORE}{words}" if words else "")


def with_expiry(text: str, until: datetime) -> str:
    """The claim with its end of validity, as it is written."""
    end = f" until {until.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    return text.replace(f" until {TIME}", end, 1)[:MAX_REASON]


def reopened(text: str | None) -> str:
    """The claim with the placeholder of the time, for :func:`with_expiry`."""
    return _UNTIL.sub(f" until {TIME}", text or "", count=1)


def released(text: str) -> str:
    """The claim without end of validity, as a run leaves it at its end."""
    return _UNTIL.sub("", text, count=1)
