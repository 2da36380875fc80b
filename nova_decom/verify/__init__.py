# SPDX-License-Identifier: Apache-2.0
"""Verification: the traces left of a host, and whether its name may come back. No I/O."""
