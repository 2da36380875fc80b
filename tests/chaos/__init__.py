# SPDX-License-Identifier: Apache-2.0
"""Removals that are killed and lied to at chosen points, and run again until they are done."""
