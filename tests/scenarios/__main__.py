# SPDX-License-Identifier: Apache-2.0
"""Print the page of scenarios: ``python -m tests.scenarios > docs/scenarios.md``."""

from tests.scenarios.registry import page

print(page(), end="")
