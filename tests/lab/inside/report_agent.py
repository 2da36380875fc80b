# SPDX-License-Identifier: Apache-2.0
# mypy: ignore-errors
"""Reports to neutron as a network agent does, every few seconds, until it is stopped.

    report_agent.py TRANSPORT_URL HOST AGENT_TYPE

Run with the Python of the lab's own environment.
"""

import contextlib
import sys
import time
import uuid
from datetime import UTC, datetime

import oslo_messaging
from oslo_config import cfg

INTERVAL = 3.0
TIMEOUT = 10
TOPIC = "q-reports-plugin"
BINARIES = {
    "Open vSwitch agent": "neutron-openvswitch-agent",
    "DHCP agent": "neutron-dhcp-agent",
    "L3 agent": "neutron-l3-agent",
    "Metadata agent": "neutron-metadata-agent",
}

TOPICS = {"DHCP agent": "dhcp_agent", "L3 agent": "l3_agent"}
"""Neutron sends its orders to these topics."""
CONFIGURATIONS = {
    "DHCP agent": {"dhcp_driver": "neutron.agent.linux.dhcp.Dnsmasq", "networks": 0},
    "L3 agent": {"agent_mode": "legacy", "handle_internal_only_routers": True, "routers": 0},
}


def state(host: str, agent_type: str) -> dict[str, object]:
    return {
        "binary": BINARIES.get(agent_type, "neutron-agent"),
        "host": host,
        "topic": TOPICS.get(agent_type, "N/A"),
        "agent_type": agent_type,
        "configurations": CONFIGURATIONS.get(
            agent_type, {"bridge_mappings": {}, "tunnel_types": [], "devices": 0}
        ),
    }


class Obedient:
    """Answers the order that neutron waits for: that an L3 agent has a router."""

    target = oslo_messaging.Target(version="1.4")

    def router_added_to_agent(self, context: object, payload: object) -> None:
        """Neutron waits a minute for this answer, then two, and answers 500 without it."""


def serve(transport: object, host: str, topic: str) -> None:
    target = oslo_messaging.Target(exchange="neutron", topic=topic, server=host)
    oslo_messaging.get_rpc_server(transport, target, [Obedient()]).start()


def main(transport_url: str, host: str, agent_type: str) -> None:
    # The global one: newer releases register some options nowhere else.
    cfg.CONF([])
    transport = oslo_messaging.get_rpc_transport(cfg.CONF, url=transport_url)
    if agent_type in TOPICS:
        serve(transport, host, TOPICS[agent_type])
    target = oslo_messaging.Target(exchange="neutron", topic=TOPIC, version="1.2")
    client = oslo_messaging.get_rpc_client(transport, target)
    context = {"is_admin": True, "roles": ["admin"], "request_id": f"req-{uuid.uuid4()}"}
    content = state(host, agent_type) | {"start_flag": True}
    while True:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
        report = {"agent_state": content | {"uuid": str(uuid.uuid4())}}
        # Neutron may still be starting: it is asked again.
        with contextlib.suppress(oslo_messaging.MessagingTimeout):
            client.prepare(timeout=TIMEOUT).call(
                context, "report_state", agent_state=report, time=now
            )
        content = state(host, agent_type)
        time.sleep(INTERVAL)


if __name__ == "__main__":
    main(*sys.argv[1:])
