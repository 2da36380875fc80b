# SPDX-License-Identifier: Apache-2.0
"""Host names as they come from the command line."""

from __future__ import annotations

from collections.abc import Iterable

from nova_decom.errors import ConfigurationError

#: nova keeps host names in 255 characters of MySQL's three-byte utf8.
LONGEST = 255
LAST_CHARACTER = "\uffff"


def named(hosts: Iterable[str]) -> tuple[str, ...]:
    """The hosts, each once, in the order given.

    :raises ConfigurationError: one of them cannot be the name of a host in nova.
    """
    found = tuple(dict.fromkeys(hosts))
    for host in found:
        is_text = all(c <= LAST_CHARACTER and not "\ud800" <= c <= "\udfff" for c in host)
        if not host or len(host) > LONGEST or "\0" in host or not is_text:
            raise ConfigurationError(
                f"{host!r} cannot be the name of a host: nova takes 1 to {LONGEST} characters of "
                "the basic multilingual plane",
                "nova-decom list shows the names",
            )
    return found
