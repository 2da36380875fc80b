# SPDX-License-Identifier: Apache-2.0
"""The floor: the same API calls and SQL with one connection each, nothing looked at or proved.

``python -m tests.bench.floor PORT HOST…``, the cloud from the environment.
"""

import sys

import openstack
import pymysql


def main() -> None:
    """Disable the service, delete it, delete the rows: host after host."""
    port, *hosts = sys.argv[1:]
    compute = openstack.connect().compute
    services = {s.host: s for s in compute.services(binary="nova-compute")}
    rows = pymysql.connect(host="127.0.0.1", port=int(port), user="root", database="nova")
    with rows, rows.cursor() as cursor:
        for host in hosts:
            compute.disable_service(services[host])
            compute.delete_service(services[host])
            cursor.execute(
                "DELETE FROM services WHERE host = %s AND `binary` = 'nova-compute'", host
            )
            cursor.execute("DELETE FROM compute_nodes WHERE hypervisor_hostname = %s", host)
            rows.commit()


if __name__ == "__main__":
    main()
