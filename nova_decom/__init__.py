# SPDX-License-Identifier: Apache-2.0
"""Take nova compute hosts out of an OpenStack cloud and prove that they are gone."""
