# SPDX-License-Identifier: Apache-2.0
"""Sphinx configuration."""

project = "nova-decom"
copyright = "the nova-decom developers"  # noqa: A001 - Sphinx's name for it
extensions = ["myst_parser"]
exclude_patterns = ["_build"]
html_static_path = ["_static"]
html_theme = "furo"
html_title = "nova-decom"
# Two hyphens of an option must stay two hyphens.
smartquotes = False
html_css_files = ["tables.css"]
myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3
