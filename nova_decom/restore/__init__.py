# SPDX-License-Identifier: Apache-2.0
"""Restore: a plan from a journal and the present cloud, and its execution."""
