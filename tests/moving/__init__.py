# SPDX-License-Identifier: Apache-2.0
"""Emptying hosts on a real Nova: every way in which a server leaves, and every way to fail."""
