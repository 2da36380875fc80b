# SPDX-License-Identifier: Apache-2.0
"""Runs inside OpenStack's own environment, never in ours: hence not type-checked here."""
