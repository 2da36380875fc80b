# SPDX-License-Identifier: Apache-2.0
"""How a report is shown: JSON and YAML envelopes, tables and plans; the only importer of rich."""
