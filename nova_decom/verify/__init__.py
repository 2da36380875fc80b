# SPDX-License-Identifier: Apache-2.0
"""Verification: the traces of a host, and whether its name may be used again. No I/O."""
