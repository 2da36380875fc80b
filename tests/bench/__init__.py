# SPDX-License-Identifier: Apache-2.0
"""How long things take beside what they replace: ``make bench``. Not part of the suite."""
