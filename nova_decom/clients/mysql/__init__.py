# SPDX-License-Identifier: Apache-2.0
"""Nova's databases: connections, guarded transactions, rows of all cells."""
