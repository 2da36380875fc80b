# SPDX-License-Identifier: Apache-2.0
"""Our own files: journal, lock, caches, known hosts. The only folder that writes them."""
