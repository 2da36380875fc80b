# SPDX-License-Identifier: Apache-2.0
"""Reports as text, JSON, YAML, CSV and HTML; the only importer of rich."""
