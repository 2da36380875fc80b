# SPDX-License-Identifier: Apache-2.0
"""The module that python-openstackclient expects of a plugin; the commands make their own client.

The client imports this at each start, so it imports nothing.
"""

from __future__ import annotations

from typing import TypeVar

P = TypeVar("P")

API_NAME = "host_decommission"
API_VERSION_OPTION = "os_host_decommission_api_version"
DEFAULT_API_VERSION = "1"
API_VERSIONS = ("1",)


def make_client(_instance: object) -> None:
    """No client of the SDK's kind is needed."""


def build_option_parser(parser: P) -> P:
    """No option is added to the client's own."""
    return parser
