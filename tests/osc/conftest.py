# SPDX-License-Identifier: Apache-2.0
"""The lab, shared with the tests of the command line."""

from tests.cli.conftest import decom, hosts, lab, snapshot

__all__ = ["decom", "hosts", "lab", "snapshot"]
