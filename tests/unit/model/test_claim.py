# SPDX-License-Identifier: Apache-2.0
"""The claim of a run on a host: what it says, and when it no longer counts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nova_decom.model.claim import (
    MAX_REASON,
    SKEW,
    Claim,
    ClaimPolicy,
    belongs_to,
    new_claim,
    read_claim,
    released,
    run_of,
    take_over,
    with_expiry,
)

RUN, OTHER = "20261123T041500Z-7f3a", "20261123T041501Z-0000"
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
TEXT = f"nova-decom {RUN} by ops@jump until 2026-11-24T12:00:00Z: rack 7"


def test_a_claim_names_run_holder_end_and_reason():
    """As everybody reads it in the list of compute services."""
    text = with_expiry(new_claim(RUN, "ops@jump", "rack 7"), NOON)

    assert text == TEXT
    assert read_claim(text) == Claim(RUN, "ops@jump", NOON, was_disabled=False, reason="rack 7")


def test_a_claim_of_a_run_that_has_ended_has_no_end():
    """The form that stays on a host which is left disabled."""
    assert released(TEXT) == f"nova-decom {RUN} by ops@jump: rack 7"
    assert read_claim(released(TEXT)).until is None
    assert released("broken fan") == "broken fan"


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "broken fan",
        "nova-decom",
        "nova-decom was here: broken fan",
        f"see nova-decom {RUN} by ops@jump: rack 7",
        f"nova-decom {RUN} by ops@jump until 2026-13-99T99:99:99Z: rack 7",
    ],
)
def test_other_words_are_no_claim(text):
    """Nobody is locked out by what somebody wrote."""
    assert read_claim(text) is None


@given(
    by=st.text(max_size=300),
    reason=st.text(max_size=400),
    was=st.one_of(st.none(), st.text(max_size=300)),
)
def test_whatever_the_names_the_claim_is_never_cut(by, reason, was):
    """Nova keeps 255 characters: who, which run, until when; what is cut is the reason."""
    text = with_expiry(take_over(new_claim(RUN, by, reason), was), NOON)

    found = read_claim(text)
    assert len(text) <= MAX_REASON
    assert (found.run, found.until, found.was_disabled) == (RUN, NOON, True)
    assert belongs_to(RUN, text)
    assert read_claim(released(text)).run == RUN


@pytest.mark.parametrize(
    ("later", "over"), [(-1, False), (0, False), (SKEW, False), (SKEW + 1, True)]
)
def test_a_claim_lapses_when_no_clock_can_doubt_it(later, over):
    """The clocks of two machines differ."""
    assert read_claim(TEXT).has_lapsed(NOON + timedelta(seconds=later)) is over


def test_a_claim_without_an_end_has_lapsed():
    """Its run said that it has ended."""
    assert read_claim(released(TEXT)).has_lapsed(NOON)


def test_a_claim_is_of_exactly_one_run():
    """Not of one whose id begins alike."""
    assert belongs_to(RUN, TEXT)
    assert not belongs_to(RUN[:-1], TEXT)
    assert not belongs_to(OTHER, TEXT)
    assert not belongs_to(RUN, None)
    assert run_of(TEXT) == RUN


def test_nobody_is_known_to_have_ended_unless_told():
    """Without a state directory only time tells."""
    assert not ClaimPolicy().has_ended(RUN, "node1")
