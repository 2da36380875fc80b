# SPDX-License-Identifier: Apache-2.0
"""The features of servers for which nova refuses a way off a host, by release."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from nova_decom.model.nova_version import OLDEST
from nova_decom.moves.features import FEATURES, Feature, Rule, Way
from pages.markdown import code, page, table
from tests.moving.kinds import ANSWERS, SHOWN, VOLUMES
from tests.moving.worn import WORN

TEXT = """\
Nova refuses some ways off a host for some servers, depending on its release and on the oldest
nova-compute in the cloud. nova-decom knows these rules, names the servers that cannot leave by
the chosen way, and the ways that nova would take. A cell that says *yes* means that nova itself
does not refuse; the scheduler may still find no host.

The release is read from the newest microversion of nova-api; of two releases with the same one
the newer is assumed. The oldest service version of nova-compute is read from the rows of all
cells; without an API database it is not known, and nova is asked. Numbers are those of nova:
20 is Train, 23 Wallaby, 26 Zed, 29 is 2024.1, 31 is 2025.1, 33 is 2026.1, 34 is 2026.2.

Features come from the extra specs of the server's flavor, from the properties of its image (as
nova shows them from microversion 2.98, below that as glance does; only for a server that boots
from an image), from its ports (one list of neutron per host) and from its shares (one request per
server, only where the cloud has manila). What is not shown is not judged: nova decides when the
move begins, and the server stays where it is.

Nova refuses no way because of volumes. A server that boots from one has no local disk that an
evacuation could lose, and its attachments move with it."""
SOURCES = """\
## Sources

The release, the file and the line in which each rule was read. Where a cell has no rule, the
source is where nova's API lists what it refuses for this way; the feature is not in that list.

Of the {all} cells of the table, {seen} were also tried on the real nova of the lab (34, 2026.2).
For {moved} of them (*moved*) the lab made a server with the feature, and nova moved it by this
way, or refused to. For {api} more (*seen*) the feature was only in nova's records of a server, and
nova's API refused the way, or did not. The other {read} cells are *read* only."""
NOT_MADE = """\
## Not made in the lab

The lab has no server with these features. The answer is that of nova or neutron to the request
for one."""
#: The decorators of each way, where nova's API refuses it.
API = {
    Way.LIVE: "nova 34.0.0 compute/api.py:5575",
    Way.COLD: "nova 34.0.0 compute/api.py:4289",
    Way.EVACUATE: "nova 34.0.0 compute/api.py:5713",
    Way.SHELVE: "nova 34.0.0 compute/api.py:4551",
}
SEEN = {(name, way) for name in WORN for way in Way}
NAMES = (*(feature.name for feature in FEATURES), *VOLUMES)
HEAD = ("a server with", *(str(way) for way in Way))


def moves() -> str:
    """The page of the features."""
    return page(
        "Which servers can move",
        TEXT,
        table(HEAD, (*map(_row, FEATURES), *((name, *["yes"] * len(Way)) for name in VOLUMES))),
        SOURCES.format(**_counts()),
        table(("a server with", "way", "known by", "source"), _sources()),
        NOT_MADE,
        table(("a server with", "answer"), ((name, code(text)) for name, text in ANSWERS.items())),
    )


def _counts() -> dict[str, int]:
    """The cells by how they are known."""
    known = Counter(_known(name, way) for name in NAMES for way in Way)
    seen = known["moved"] + known["seen"]
    return {
        "all": known.total(),
        "seen": seen,
        "moved": known["moved"],
        "api": known["seen"],
        "read": known["read"],
    }


def _known(name: str, way: Way) -> str:
    """How it is known what nova does with the feature by this way."""
    if (name, way) in SHOWN:
        return "moved"
    return "seen" if (name, way) in SEEN else "read"


def _row(feature: Feature) -> tuple[str, ...]:
    return (feature.name, *(_cell(feature.rules.get(way)) for way in Way))


def _cell(rule: Rule | None) -> str:
    if rule is None:
        return "yes"
    before = "" if rule.since == OLDEST else f"from {rule.since} "
    if rule.until is None:
        return "no" if rule.since == OLDEST else f"no from {rule.since} on"
    least = f"if every nova-compute has service version {rule.computes}" if rule.computes else ""
    also = f"if {rule.only_if}" if rule.only_if else ""
    conditions = ", and ".join(text for text in (least, also) if text)
    refused = f"no {before}to {rule.until - 1}; " if rule.until > rule.since else ""
    if rule.until == rule.since + 1:
        refused = f"no in {rule.since}; "
    return f"{refused}from {rule.until} on {conditions or 'yes'}"


def _sources() -> Iterator[tuple[str, str, str, str]]:
    rules = {feature.name: feature.rules for feature in FEATURES}
    for name in NAMES:
        for way in Way:
            rule = rules.get(name, {}).get(way)
            yield name, str(way), _known(name, way), code(rule.source if rule else API[way])
