# SPDX-License-Identifier: Apache-2.0
"""The command line: options in, one call, one rendering. ``main`` owns the exit codes."""
