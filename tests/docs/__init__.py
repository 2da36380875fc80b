# SPDX-License-Identifier: Apache-2.0
"""Every shell example of the documentation, run on the lab."""
