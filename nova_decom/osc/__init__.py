# SPDX-License-Identifier: Apache-2.0
"""``openstack compute host decommission …``: another skin of the same commands."""
