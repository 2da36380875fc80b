# SPDX-License-Identifier: Apache-2.0
"""Failures by script: a cloud of a few hundred lines, and proxies that do one bad thing."""
