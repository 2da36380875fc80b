# SPDX-License-Identifier: Apache-2.0
"""Reads whole lists: the one place that knows how services cut them into pages.

Nova counts a page before it takes hidden entries out of it (compute nodes without service or host
mapping, hidden migrations; nova 34.0.0 api/openstack/compute/hypervisors.py:192, migrations.py:59)
and gives a link only with a full page: a list is at its end when a page is empty.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from nova_decom.clients.openstack.api import Api
from nova_decom.errors import UnavailableError

Entry = dict[str, Any]

#: Entries of a page that nova is asked for; ``[api] max_limit``, 1000 by default, may be lower.
PAGE = "1000"


class Paging(StrEnum):
    """How a service cuts a list."""

    NONE = "none"  # not at all
    MARKER = "marker"  # a page begins after the entry that the marker names
    OFFSET = "offset"  # a page begins after a number of entries
    LINKS = "links"  # as MARKER, and only where the list carries links (neutron's max limit)


def read_list(  # noqa: PLR0913 - a list is a path, its key, and how it is cut
    api: Api,
    service: str,
    path: str,
    key: str,
    wanted: str | None = None,
    *,
    paging: Paging = Paging.NONE,
    mark: str = "id",
    params: Mapping[str, str | Sequence[str]] | None = None,
) -> tuple[Entry, ...]:
    """All entries of a list, each once; ``mark`` is the field that tells them apart.

    :raises UnavailableError: the list has no end, or the answer is not such a list.
    """
    found: dict[str, Entry] = {}
    asked, count = dict(params or {}), 0
    while True:
        body = api.get(service, path, wanted, **asked)
        page = _entries(body, service, path, key)
        is_whole = paging is Paging.LINKS and "marker" not in asked and not _links(body)
        if paging is Paging.NONE or is_whole:
            # Its entries need no id: cinder's services have none.
            return tuple(page)
        new = {str(entry[mark]): entry for entry in page if str(entry[mark]) not in found}
        found |= new
        count += len(page)
        if not page:
            return tuple(found.values())
        if not new:
            raise UnavailableError(
                f"GET {path} of {service}: a page repeats the entries of the pages before it: "
                "the list is not complete",
                "look at the proxy before the service: it must pass on marker, offset and limit",
            )
        if paging is Paging.OFFSET:
            asked["offset"] = str(count)
        else:
            asked["marker"] = str(page[-1][mark])


def _entries(body: dict[str, Any], service: str, path: str, key: str) -> list[Entry]:
    entries = body.get(key)
    if not isinstance(entries, list):
        raise UnavailableError(
            f"GET {path} of {service}: the answer has no list {key!r}",
            "look at the proxy before the service",
        )
    return entries


def _links(body: dict[str, Any]) -> bool:
    return any(name.endswith("_links") for name in body)
