# SPDX-License-Identifier: Apache-2.0
# mypy: ignore-errors
"""Maps hosts to their cells as nova-manage does, again and again: it loads nova only once.

    discover.py NOVA_CONF

For each line on standard input (`nodes` or `services`) it runs nova's discover_hosts, by compute
nodes or by services, and answers with a line. Run with the Python of the lab's own environment.
"""

import sys

from nova import config, context, objects
from nova.objects import host_mapping

config.parse_args(["nova-manage", "--config-file", sys.argv[1]])
objects.register_all()
for line in sys.stdin:
    found = host_mapping.discover_hosts(
        context.get_admin_context(), by_service=line.strip() == "services"
    )
    print("mapped", len(found), flush=True)
