# SPDX-License-Identifier: Apache-2.0
"""The database code against a real MariaDB with nova's own schema."""
