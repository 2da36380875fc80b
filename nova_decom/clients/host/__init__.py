# SPDX-License-Identifier: Apache-2.0
"""Programs: ssh to a compute host, the stop command, hooks."""
