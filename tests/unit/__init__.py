# SPDX-License-Identifier: Apache-2.0
"""The parts that need nothing but themselves: tables of facts, no mocks, milliseconds."""
