# SPDX-License-Identifier: Apache-2.0
"""How servers leave a host: which way, whether there is room, what became of a move. Pure."""
