# SPDX-License-Identifier: Apache-2.0
"""Does a test fail when the code that decides what is deleted is wrong?"""
