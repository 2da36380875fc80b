# SPDX-License-Identifier: Apache-2.0
"""The page that ``report`` writes, in a real browser."""
