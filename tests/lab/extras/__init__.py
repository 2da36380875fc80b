# SPDX-License-Identifier: Apache-2.0
"""Services beside nova's own that a lab can be given: one file each, and one line here."""

from collections.abc import Callable, Mapping

from tests.lab.extras.blazar import Blazar
from tests.lab.extras.cinder import Cinder
from tests.lab.extras.extra import Extra, Place
from tests.lab.extras.masakari import Masakari
from tests.lab.extras.ovn import Ovn

EXTRAS: Mapping[str, Extra] = {
    extra.name: extra for extra in (Blazar(), Cinder(), Masakari(), Ovn())
}


class Extras:
    """The extras of one lab; `place` is where the one of a name is, or will be."""

    def __init__(self, place: Callable[[str], Place]) -> None:
        self.place = place

    def start(self, *names: str) -> None:
        """Add services to the lab that runs."""
        for name in names:
            EXTRAS[name].start(self.place(name))

    def remove(self, *names: str) -> None:
        """Take them away, with their databases and their endpoints."""
        for name in names:
            EXTRAS[name].remove(self.place(name))
