# SPDX-License-Identifier: Apache-2.0
"""A reviewed plan carried out on one host, change by change."""
