# SPDX-License-Identifier: Apache-2.0
"""The identity of a cloud: what one cloud taught is not believed in another."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import urlsplit, urlunsplit


@dataclass(frozen=True, slots=True)
class CloudIdentity:
    """The auth URL and the region of a cloud, and the uuids of its cells where known.

    A cell uuid belongs to one cloud only. An auth URL may have two spellings: of the same
    cloud from inside and from outside, say.
    """

    auth_url: str = ""
    region: str = ""
    cells: frozenset[str] = frozenset()
    #: The name in clouds.yaml, for people: two files may give one cloud different names.
    name: str = field(default="", compare=False)

    @classmethod
    def of(cls, auth_url: str | None, region: str | None, name: str = "") -> Self:
        """The identity by the configuration; the URL in one spelling, without credentials."""
        parts = urlsplit(auth_url or "")
        host = parts.netloc.rpartition("@")[2].lower()
        path = parts.path.rstrip("/").removesuffix("/v3")
        return cls(urlunsplit((parts.scheme.lower(), host, path, "", "")), region or "", name=name)

    @classmethod
    def load(cls, data: object) -> Self | None:
        """The identity as :meth:`dump` wrote it; None when the text has none."""
        if not isinstance(data, Mapping):
            return None
        cells = data.get("cells")
        return cls(
            str(data.get("auth_url", "")),
            str(data.get("region", "")),
            frozenset(map(str, cells)) if isinstance(cells, list | tuple) else frozenset(),
            str(data.get("name", "")),
        )

    def dump(self) -> dict[str, Any]:
        """The identity for a journal or a plan file."""
        shown = {"name": self.name, "auth_url": self.auth_url, "region": self.region}
        return {**shown, "cells": sorted(self.cells)}

    @property
    def key(self) -> str:
        """A name for files in the state directory, from auth URL and region."""
        return hashlib.sha256(f"{self.auth_url}\n{self.region}".encode()).hexdigest()[:16]

    def is_same(self, other: CloudIdentity) -> bool:
        """True when both are one cloud: they share a cell, or auth URL and region are equal."""
        if self.cells and other.cells:
            return bool(self.cells & other.cells)
        return (self.auth_url, self.region) == (other.auth_url, other.region)

    def __str__(self) -> str:
        """Name, auth URL and region for a message."""
        name = f"{self.name}, " if self.name else ""
        return f"{name}{self.auth_url or 'no auth URL'} region {self.region or '(default)'}"

    @property
    def short(self) -> str:
        """The name in clouds.yaml; without one, the auth URL."""
        return self.name or self.auth_url or "no name"
