# SPDX-License-Identifier: Apache-2.0
"""What only a cluster shows: the database code against three Galera nodes."""
