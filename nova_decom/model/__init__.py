# SPDX-License-Identifier: Apache-2.0
"""Frozen values: the cloud, a host, a plan and its outcome. No I/O."""
