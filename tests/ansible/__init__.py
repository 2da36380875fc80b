# SPDX-License-Identifier: Apache-2.0
"""The collection in ``ansible/``: ansible-test's sanity tests, and the playbook on the lab."""
