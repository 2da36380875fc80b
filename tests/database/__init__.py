# SPDX-License-Identifier: Apache-2.0
"""The database code against a real server with nova's own schema: `pytest --server NAME`."""
