# SPDX-License-Identifier: Apache-2.0
"""Rules of moving a server: whether it may, how, where to, and how a move ended. No I/O."""
