# SPDX-License-Identifier: Apache-2.0
"""What is left of a host, anywhere, and whether its name may come back. No I/O."""
