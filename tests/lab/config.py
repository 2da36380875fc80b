# SPDX-License-Identifier: Apache-2.0
"""Every configuration file of the control plane, written from one Site."""

import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path

from tests.lab.cells import FIRST, Cell
from tests.lab.layout import PASSWORDS, Site

Sections = Mapping[str, Mapping[str, object]]
CONTROLLER = "controller"
REGION = "RegionOne"
DRIVER = Path(__file__).parent / "inside" / "lab_driver.py"
REPORT_INTERVAL = 2
PROCESSES = {"nova": 2}
"""nova-api may wait for a compute host in one request while others go on."""
#: Aliases of PCI devices, for flavors; nova 31 is the first that moves a server alive with one.
CARDS = (
    {"name": "card", "vendor_id": "8086", "product_id": "154d", "device_type": "type-PCI"},
    {"name": "live-card", "vendor_id": "8086", "product_id": "154e", "device_type": "type-PCI",
     "live_migratable": "yes"},
)  # fmt: skip
#: Nova's usual ones, and that without which a server is sent to a host that has no such device.
FILTERS = (
    *("ComputeFilter", "ComputeCapabilitiesFilter", "ImagePropertiesFilter"),
    *("ServerGroupAntiAffinityFilter", "ServerGroupAffinityFilter", "PciPassthroughFilter"),
)
API_NAMES = ("keystone", "placement", "glance", "neutron", "nova")


def driver_module() -> str:
    """The module of the driver; labs that share a cache may have different ones."""
    return f"lab_driver_{hashlib.sha256(DRIVER.read_bytes()).hexdigest()[:8]}"


def write_all(site: Site) -> None:
    """Write all files; the same site gives the same files."""
    etc = site.layout.etc
    for cell in site.cells:
        conductor = {**nova(site, cell), **nova_databases(site, cell)}
        write_ini(site.layout.conductor_conf(cell), conductor)
        write_ini(site.layout.compute_conf(cell), nova(site, cell))
    write_ini(etc / "keystone" / "keystone.conf", keystone(site))
    write_ini(etc / "placement" / "placement.conf", placement(site))
    write_ini(etc / "glance" / "glance-api.conf", glance(site))
    write_ini(etc / "neutron" / "neutron.conf", neutron(site))
    packaged = site.venv / "etc"
    shutil.copy(packaged / "nova" / "api-paste.ini", etc / "nova")
    shutil.copy(packaged / "glance" / "glance-api-paste.ini", etc / "glance")
    shutil.copy(packaged / "neutron" / "api-paste.ini", etc / "neutron")
    for name in API_NAMES:
        path = etc / "uwsgi" / f"{name}.ini"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(uwsgi(site, name))
    site.layout.clouds_yaml.write_text(clouds_yaml(site))
    site.layout.clouds_yaml.chmod(0o600)


def nova(site: Site, cell: Cell = FIRST) -> Sections:
    """What all nova services of a cell share, and all that a compute host has.

    A nova-compute that is given the API database asks all cells for the oldest nova-compute
    before it finds that it may not (nova 2026.2, compute/rpcapi.py), from threads that both
    read and register options: now and then it dies of that.
    """
    state = site.layout.data / "nova"
    return {
        "DEFAULT": {
            "host": CONTROLLER + cell.suffix,
            "my_ip": "127.0.0.1",
            "state_path": state,
            "transport_url": site.cell_transport_url(cell),
            "compute_driver": f"{driver_module()}.Driver",
            "report_interval": REPORT_INTERVAL,
            "service_down_time": 8,
            "reclaim_instance_interval": 3600,
            # The fake driver forgets its guests when nova-compute restarts; without this the
            # servers on it would turn SHUTOFF.
            "sync_power_state_interval": -1,
            # A shelved server stays on its host, as where an operator keeps it there for a time.
            "shelved_offload_time": -1,
            "graceful_shutdown_timeout": 3,
            "rpc_response_timeout": 30,
            # No agent plugs a port, and nova would wait for it until a live migration fails.
            "vif_plugging_timeout": 0,
            "vif_plugging_is_fatal": False,
        },
        "wsgi": {"api_paste_config": site.layout.etc / "nova" / "api-paste.ini"},
        "oslo_concurrency": {"lock_path": state / "locks"},
        "conductor": {"workers": 1},
        "scheduler": {"workers": 1},
        "vnc": {"enabled": False},
        "keystone_authtoken": authtoken(site, "nova"),
        "placement": client(site, "placement"),
        "neutron": client(site, "neutron"),
        "glance": {"endpoint_override": site.url("glance")},
        # Asked for only by servers with volumes; cinder takes an attachment back from nobody
        # without the token of a service.
        "cinder": client(site, "nova")
        | {"catalog_info": f"{site.release.volume_service}::publicURL"},
        "service_user": client(site, "nova") | {"send_service_user_token": True},
        "filter_scheduler": {"enabled_filters": ", ".join(FILTERS)},
        "pci": {"alias": "\nalias = ".join(map(json.dumps, CARDS))},
    }


def nova_databases(site: Site, cell: Cell = FIRST) -> Sections:
    return {
        "api_database": {"connection": site.db_url("nova_api")},
        "database": {"connection": site.db_url(cell.database)},
    }


def compute(host: str, address: str, state: Path) -> Sections:
    """What a nova-compute has beyond the shared nova.conf."""
    return {
        "DEFAULT": {
            "host": host,
            "my_ip": address,
            "state_path": state,
            "instances_path": state / "instances",
        },
        "oslo_concurrency": {"lock_path": state / "locks"},
    }


def keystone(site: Site) -> Sections:
    data = site.layout.data / "keystone"
    return {
        "DEFAULT": {"public_endpoint": site.url("keystone")},
        "database": {"connection": site.db_url("keystone")},
        "token": {"provider": "fernet", "expiration": 86400},
        "fernet_tokens": {"key_repository": data / "fernet-keys"},
        "credential": {"key_repository": data / "credential-keys"},
        # The cheapest hash bcrypt can do: each new token checks a password.
        "identity": {"password_hash_rounds": 4},
        "cache": {
            "enabled": True,
            "backend": "dogpile.cache.memcached",
            "memcache_servers": site.memcached,
        },
    }


def placement(site: Site) -> Sections:
    return {
        "placement_database": {"connection": site.db_url("placement")},
        "api": {"auth_strategy": "keystone"},
        "keystone_authtoken": authtoken(site, "placement"),
    }


def glance(site: Site) -> Sections:
    data = site.layout.data / "glance"
    return {
        "DEFAULT": {"enabled_backends": "lab:file", "enable_v1_api": False},
        "database": {"connection": site.db_url("glance")},
        "glance_store": {"default_backend": "lab"},
        "lab": {"filesystem_store_datadir": data / "images"},
        "os_glance_staging_store": {"filesystem_store_datadir": data / "staging"},
        "os_glance_tasks_store": {"filesystem_store_datadir": data / "tasks"},
        "oslo_concurrency": {"lock_path": data / "locks"},
        "keystone_authtoken": authtoken(site, "glance"),
        "paste_deploy": {
            "flavor": "keystone",
            "config_file": site.layout.etc / "glance" / "glance-api-paste.ini",
        },
    }


def neutron(site: Site) -> Sections:
    state = site.layout.data / "neutron"
    return {
        "DEFAULT": {
            "host": CONTROLLER,
            "state_path": state,
            "transport_url": site.transport_url,
            "auth_strategy": "keystone",
            "core_plugin": "ml2",
            "service_plugins": "router",
            "api_paste_config": site.layout.etc / "neutron" / "api-paste.ini",
            "agent_down_time": 10,
            "rpc_workers": 1,
            "rpc_state_report_workers": 0,
            "notify_nova_on_port_status_changes": False,
            "notify_nova_on_port_data_changes": False,
        },
        "database": {"connection": site.db_url("neutron")},
        "oslo_concurrency": {"lock_path": state / "locks"},
        "keystone_authtoken": authtoken(site, "neutron"),
        "ml2": {
            "type_drivers": "flat,local,vxlan",
            "tenant_network_types": "local",
            "mechanism_drivers": "openvswitch",
        },
    }


def uwsgi(site: Site, name: str) -> str:
    """One API under uwsgi."""
    application = site.release.wsgi_application(name, str(site.venv / "bin"))
    return uwsgi_ini(site.ports[name], application, site.venv, PROCESSES.get(name, 1))


def uwsgi_ini(port: int, application: str, venv: Path, processes: int = 1) -> str:
    """An application under uwsgi, on this port."""
    return f"""\
[uwsgi]
http-socket = 127.0.0.1:{port}
{application}
virtualenv = {venv}
master = true
need-app = true
die-on-term = true
lazy-apps = true
enable-threads = true
# One request at a time in a process: keystone and nova set up their policies at the first
# request, and a second thread then finds them half made and is refused with 403.
processes = {processes}
threads = 1
buffer-size = 65535
# A client that reuses the connection would be given a reset on its next POST.
add-header = Connection: close
# neutron tells its own restarts by it.
start-time = %t
"""


def wsgi_environment(site: Site, name: str) -> dict[str, str]:
    """How an API is told where its configuration is."""
    directory = str(site.layout.etc / name)
    return {
        "keystone": {"OS_KEYSTONE_CONFIG_FILES": f"{directory}/keystone.conf"},
        "placement": {"OS_PLACEMENT_CONFIG_DIR": directory},
        "glance": {"OS_GLANCE_CONFIG_DIR": directory},
        "neutron": {
            "OS_NEUTRON_CONFIG_DIR": directory,
            "OS_NEUTRON_CONFIG_FILES": "neutron.conf",
        },
        "nova": {"OS_NOVA_CONFIG_DIR": directory},
    }[name]


def clouds_yaml(site: Site) -> str:
    """The admin's cloud, and nova-decom's own section.

    The cells come from nova_api.cell_mappings; the URLs of the cell databases give nova-decom's
    own MySQL user for each.
    """
    cells = "".join(f"    - {site.db_url(cell.database, 'nova_decom')}\n" for cell in site.cells)
    return f"""\
clouds:
  lab:
    auth_type: v3password
    auth:
      auth_url: {site.url("keystone")}/v3
      username: admin
      password: {PASSWORDS["admin"]}
      project_name: admin
      user_domain_id: default
      project_domain_id: default
    region_name: {REGION}
    identity_api_version: '3'

nova-decom:
  api_db_url: {site.db_url("nova_api", "nova_decom")}
  cell_db_url:
{cells}  ssh_config: {site.layout.ssh_config}
  state_dir: {site.layout.state_dir}
  report_interval: {REPORT_INTERVAL}
  settle: 6
"""


def client(site: Site, user: str) -> dict[str, object]:
    """How a service logs in as this user."""
    return {
        "auth_type": "password",
        "auth_url": site.url("keystone") + "/v3",
        "username": user,
        "password": PASSWORDS[user],
        "project_name": "service",
        "user_domain_name": "Default",
        "project_domain_name": "Default",
        "region_name": REGION,
    }


def authtoken(site: Site, user: str) -> dict[str, object]:
    """How a service checks the tokens of its callers."""
    return client(site, user) | {
        "www_authenticate_uri": site.url("keystone") + "/v3",
        "memcached_servers": site.memcached,
        "service_token_roles_required": True,
    }


def write_ini(path: Path, sections: Sections) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(ini(sections))


def ini(sections: Sections) -> str:
    blocks = (
        f"[{name}]\n" + "".join(f"{key} = {value}\n" for key, value in options.items())
        for name, options in sections.items()
    )
    return "\n".join(blocks)
