# SPDX-License-Identifier: Apache-2.0
"""Images as glance tells them."""

from __future__ import annotations

import pytest

from nova_decom.clients.openstack.image import Image

SHOWN = {"id": "i", "name": "debian", "trait:A": "required", "hw_tpm_version": 2, "os_type": "x"}


class Glance:
    """A cloud with glance or without, and one image in it."""

    def __init__(self, *, there=True):
        """By the catalogue."""
        self.there = there

    def has(self, service):
        """By the catalogue."""
        assert service == "image"
        return self.there

    def find(self, service, path):
        """The image."""
        assert (service, self.there) == ("image", True)
        return SHOWN if path == "/images/i" else None


@pytest.mark.parametrize(
    ("image", "there", "found"),
    [
        ("i", True, {"trait:A": "required", "hw_tpm_version": "2", "os_type": "x"}),
        ("deleted", True, {}),
        ("i", False, {}),
    ],
)
def test_properties_that_nova_obeys(image, there, found):
    """And no other field of an image."""
    assert Image(Glance(there=there)).properties(image) == found
