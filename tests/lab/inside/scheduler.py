# SPDX-License-Identifier: Apache-2.0
# mypy: ignore-errors
"""Asks nova's own scheduler where servers of a host would go, and moves none.

    scheduler.py NOVA_CONF

Each line of stdin is a JSON object: `source`, and `servers` in the order in which they move. The
answer is one line, the host of each server or null. The request is the one that nova's conductor
makes for a live migration, and the scheduler claims in placement as always; a server that has a
host is then recorded there, so that the next one finds its place taken.
"""

import json
import sys
import uuid

import oslo_messaging
from nova import config, context, exception, objects
from nova.conductor.tasks import live_migrate
from nova.conf import CONF
from nova.scheduler import host_manager, manager
from nova.scheduler.client import report
from oslo_log import log


def destination(admin, chooser, client, server, source):
    instance = objects.Instance.get_by_uuid(admin, server, expected_attrs=["flavor"])
    spec = objects.RequestSpec.get_by_instance_uuid(admin, server)
    task = live_migrate.LiveMigrationTask(
        admin,
        instance,
        destination=None,
        block_migration=False,
        disk_over_commit=False,
        migration=None,
        compute_rpcapi=None,
        servicegroup_api=None,
        query_client=None,
        report_client=client,
        request_spec=spec,
    )
    spec = task._get_request_spec_for_select_destinations()
    spec.ignore_hosts = [source]
    migration = str(uuid.uuid5(uuid.UUID(server), source))
    client.move_allocations(admin, server, migration)
    # Without the states that the last choice has left in memory.
    chooser.host_manager = host_manager.HostManager()
    try:
        ((found,),) = chooser.select_destinations(
            admin, spec_obj=spec, instance_uuids=[server], return_objects=True
        )
    except oslo_messaging.ExpectedException as error:
        if not isinstance(error.exc_info[1], exception.NoValidHost):
            raise
        client.move_allocations(admin, migration, server)
        return None
    client.delete_allocation_for_instance(admin, migration, force=True)
    arrive(instance, found)
    return found.service_host


def arrive(instance, found):
    cell = found.cell_uuid
    mapping = objects.CellMapping.get_by_uuid(context.get_admin_context(), cell)
    with context.target_cell(context.get_admin_context(), mapping) as inside:
        node = objects.ComputeNode.get_by_uuid(inside, found.compute_node_uuid)
        node.memory_mb_used += instance.flavor.memory_mb
        node.free_ram_mb -= instance.flavor.memory_mb
        node.vcpus_used += instance.flavor.vcpus
        node.save()
        there = objects.Instance.get_by_uuid(inside, instance.uuid)
        there.host, there.node, there.compute_id = node.host, node.hypervisor_hostname, node.id
        there.save()


def main(conf):
    # Nova logs to stdout, which is for the answers only.
    answers, sys.stdout = sys.stdout, sys.stderr
    config.parse_args(["scheduler", "--config-file", conf])
    CONF.set_override("track_instance_changes", override=False, group="filter_scheduler")
    log.setup(CONF, "nova")
    objects.register_all()
    objects.Service.enable_min_version_cache()
    chooser = manager.SchedulerManager()
    client = report.report_client_singleton()
    admin = context.get_admin_context()
    for line in sys.stdin:
        asked = json.loads(line)
        found = [
            destination(admin, chooser, client, server, asked["source"])
            for server in asked["servers"]
        ]
        print(json.dumps(found), file=answers, flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
