# SPDX-License-Identifier: Apache-2.0
"""Tests on every schema of nova, every database server and every release, as tables."""
