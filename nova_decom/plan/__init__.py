# SPDX-License-Identifier: Apache-2.0
"""The jobs and the plan of one host. No I/O but the plan file."""
