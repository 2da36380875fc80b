# SPDX-License-Identifier: Apache-2.0
"""Lists that services cut: whatever hides in a page, all entries behind it are read."""

from __future__ import annotations

from itertools import groupby

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from nova_decom.clients.openstack.listing import Paging, read_list
from nova_decom.errors import UnavailableError

NAMES = tuple("abcdefghij")


class Service:
    """Cuts a list of names, as nova and neutron do, at most ``most`` to a page."""

    def __init__(self, paging, most, *, hidden="", linked=True):
        """``hidden`` entries count for a page, and are taken out of it before it is sent."""
        self.paging, self.most, self.hidden, self.linked = paging, most, hidden, linked
        self.asked = []

    def get(self, _service, _path, _wanted, **params):
        """One page."""
        self.asked.append(params)
        begin = int(params.get("offset", 0))
        if "marker" in params:
            begin = NAMES.index(params["marker"]) + 1
        shown = (
            [n for n in NAMES if n not in self.hidden] if self.paging is Paging.OFFSET else NAMES
        )
        page = [n for n in shown[begin : begin + self.most] if n not in self.hidden]
        links = {"things_links": [{"rel": "next"}]} if len(page) == self.most else {}
        return {"things": [{"id": n} for n in page]} | (links if self.linked else {})


def names(service, paging):
    """What is read of the service's list."""
    return [e["id"] for e in read_list(service, "compute", "/things", "things", paging=paging)]


@given(
    paging=st.sampled_from([Paging.MARKER, Paging.OFFSET]),
    most=st.integers(1, len(NAMES) + 1),
    hidden=st.sets(st.sampled_from(NAMES)),
    linked=st.booleans(),
)
def test_every_entry_is_read_wherever_a_page_ends(paging, most, hidden, linked):
    """A page that is short, or has no link, is not the last one; an empty page is."""
    shown = [n for n in NAMES if n not in hidden]
    runs = (list(run) for is_hidden, run in groupby(NAMES, hidden.__contains__) if is_hidden)
    # Nova names no entry to go on after, where it hides all entries of a page.
    assume(all(len(run) < most for run in runs if run[-1] != NAMES[-1]))

    assert names(Service(paging, most, hidden=hidden, linked=linked), paging) == shown


def test_a_list_that_is_not_cut_costs_one_request():
    """Of aggregates, providers and services there are no pages."""
    service = Service(Paging.NONE, 1000)

    assert names(service, Paging.NONE) == list(NAMES)
    assert service.asked == [{}]


def test_a_list_is_cut_where_it_has_links_or_not_at_all():
    """Neutron cuts only where an operator has set a limit, and then gives links."""
    whole, cut = Service(Paging.LINKS, 1000), Service(Paging.LINKS, 4, hidden="f")

    assert names(whole, Paging.LINKS) == list(NAMES)
    assert len(whole.asked) == 1
    # The second page is short and has no link.
    assert names(cut, Paging.LINKS) == [n for n in NAMES if n != "f"]


@pytest.mark.parametrize("paging", [Paging.MARKER, Paging.OFFSET, Paging.LINKS])
def test_the_same_page_again_is_no_end(paging):
    """A front end that drops the query would have it read for ever, or be taken for the end."""
    page = {"things": [{"id": "a"}, {"id": "b"}], "things_links": [{"rel": "next"}]}
    asked = []

    class FrontEnd:
        def get(self, *_call, **params):
            asked.append(params)
            return page

    with pytest.raises(UnavailableError, match="GET /things of compute: a page repeats"):
        names(FrontEnd(), paging)
    assert len(asked) == 2


def test_an_entry_that_comes_twice_is_one():
    """A list may change between two pages."""
    pages = iter([["a", "b"], ["b", "c"], []])

    class Changing:
        def get(self, *_call, **_params):
            return {"things": [{"id": n} for n in next(pages)]}

    assert names(Changing(), Paging.MARKER) == ["a", "b", "c"]


@pytest.mark.parametrize("body", [{}, {"things": None}, {"others": []}])
def test_an_answer_without_the_list_is_no_empty_list(body):
    """What is not told is not nothing."""

    class Foreign:
        def get(self, *_call, **_params):
            return body

    with pytest.raises(UnavailableError, match="no list 'things'"):
        names(Foreign(), Paging.NONE)
