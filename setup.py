# SPDX-License-Identifier: Apache-2.0
"""A shim for tools that know nothing of pyproject.toml."""

import setuptools

setuptools.setup(setup_requires=["pbr>=6.1.1"], pbr=True)
