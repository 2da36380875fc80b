# SPDX-License-Identifier: Apache-2.0
"""``python -m nova_decom`` is ``nova-decom``."""

from nova_decom.cli.main import main

main()
