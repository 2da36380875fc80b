# SPDX-License-Identifier: Apache-2.0
"""Tests on every schema of nova and on every database server, as one table."""
