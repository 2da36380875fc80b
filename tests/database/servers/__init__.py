# SPDX-License-Identifier: Apache-2.0
"""The database servers that tests run on: where they come from, how they run, what they speak."""
