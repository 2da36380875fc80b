# SPDX-License-Identifier: Apache-2.0
"""What a shell shows of the program: completion in real shells, man pages."""
