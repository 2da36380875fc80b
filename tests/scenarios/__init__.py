# SPDX-License-Identifier: Apache-2.0
"""Every state that the field has seen a host in, made on the real lab and brought to clean."""
