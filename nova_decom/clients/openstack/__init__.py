# SPDX-License-Identifier: Apache-2.0
"""The OpenStack APIs, one class a service."""
