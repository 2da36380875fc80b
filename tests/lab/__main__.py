# SPDX-License-Identifier: Apache-2.0
"""`python -m tests.lab`."""

import os
import shlex
import sys
from pathlib import Path

import click

from tests.lab.cells import default_computes
from tests.lab.errors import LabError
from tests.lab.extras import EXTRAS
from tests.lab.lab import Lab
from tests.lab.rabbitmq_api import RabbitMQ
from tests.lab.releases import DEFAULT_RELEASE, RELEASES

DEFAULT_DIRECTORY = Path(__file__).parents[2] / ".lab"
INCOMPLETE = 3


class Group(click.Group):
    """Shows a LabError as a message instead of a traceback."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except LabError as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=Group)
@click.option(
    "--dir",
    "directory",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="NOVA_DECOM_LAB",
    default=DEFAULT_DIRECTORY,
    help="Where the lab lives [default: $NOVA_DECOM_LAB, else .lab in the checkout].",
)
@click.pass_context
def main(context: click.Context, directory: Path) -> None:
    """A real Nova control plane on this machine"""
    context.obj = Lab(directory, say=_say)


def _say(text: str) -> None:
    click.echo(text, err=True)


RELEASE = click.option(
    "--release", type=click.Choice(list(RELEASES)), default=DEFAULT_RELEASE, show_default=True
)
CELLS = click.option(
    "--cells",
    type=click.IntRange(1),
    help="How many cells [default: those of the lab that is there, else 1].",
)


def _extras(_: click.Context, __: click.Parameter, text: str | None) -> tuple[str, ...]:
    """The names; one that is not known is an error of usage."""
    names = tuple(filter(None, (text or "").split(",")))
    for name in names:
        if name not in EXTRAS:
            raise click.BadParameter(f"{name} is none of {', '.join(EXTRAS)}")
    return names


@main.command()
@RELEASE
@CELLS
@click.option(
    "--computes",
    type=click.IntRange(0),
    default=3,
    show_default=True,
    help="Hosts in each cell: node1, node2, …; node1-cell2, …",
)
@click.option(
    "--with",
    "extras",
    callback=_extras,
    metavar="NAME,…",
    help=f"Services beside nova's own: {', '.join(EXTRAS)}.",
)
@click.pass_obj
def up(lab: Lab, release: str, cells: int | None, computes: int, extras: tuple[str, ...]) -> None:
    """Start the lab, or what is missing of it"""
    lab = Lab(lab.layout.root, say=_say, cells=cells)
    lab.up(release, default_computes(lab.cell_count, computes))
    lab.extras.start(*extras)


@main.command()
@RELEASE
@CELLS
@click.pass_obj
def prepare(lab: Lab, release: str, cells: int | None) -> None:
    """Install OpenStack and set up the cloud that every start copies; start nothing"""
    Lab(lab.layout.root, say=_say, cells=cells).prepare(release)


@main.command()
@click.pass_obj
def down(lab: Lab) -> None:
    """Stop everything and forget the cloud; caches and logs stay"""
    lab.down()


@main.command()
@click.pass_obj
def status(lab: Lab) -> None:
    """Show the processes; exit code 3 when one is missing"""
    records = {record.name: record for record in lab.processes.records()}
    names = lab.expected()
    names += [name for name in records if name not in names]
    addresses = lab.addresses()
    width = max(map(len, names))
    complete = True
    click.echo(f"{'process':{width}}  {'pid':>7}  alive  address")
    for name in names:
        record = records.get(name)
        alive = record is not None and record.alive
        complete = complete and alive
        pid = record.pid if record else "-"
        answer = "yes" if alive else "no"
        click.echo(f"{name:{width}}  {pid:>7}  {answer:5}  {addresses.get(name, '-')}")
    if not complete:
        sys.exit(INCOMPLETE)


@main.group()
def compute() -> None:
    """Compute hosts"""


@compute.command()
@click.argument("hosts", nargs=-1, required=True, metavar="HOST…")
@click.option("--cell", metavar="CELL", help="Where new hosts are [default: cell1].")
@click.option("--wait/--no-wait", default=True)
@click.pass_obj
def start(lab: Lab, hosts: tuple[str, ...], cell: str | None, wait: bool) -> None:  # noqa: FBT001
    """Start hosts, new ones too, and wait until they are up"""
    lab.start_compute(*hosts, cell=cell, wait=wait)


@compute.command()
@click.argument("hosts", nargs=-1, required=True, metavar="HOST…")
@click.pass_obj
def stop(lab: Lab, hosts: tuple[str, ...]) -> None:
    """Stop nova-compute on hosts"""
    lab.stop_compute(*hosts)


@compute.command()
@click.argument("hosts", nargs=-1, required=True, metavar="HOST…")
@click.pass_obj
def wipe(lab: Lab, hosts: tuple[str, ...]) -> None:
    """Make hosts new machines under their old names, stopped"""
    for host in hosts:
        lab.wipe_compute(host)


@main.group()
def servers() -> None:
    """Servers"""


@servers.command()
@click.argument("count", type=click.IntRange(1))
@click.option("--on", "host", required=True, metavar="HOST")
@click.option(
    "--status",
    type=click.Choice(["ACTIVE", "SHUTOFF", "ERROR", "SOFT_DELETED"]),
    default="ACTIVE",
)
@click.pass_obj
def create(lab: Lab, count: int, host: str, status: str) -> None:
    """Boot servers on a host; prints their ids"""
    for server in lab.create_servers(count, on=host, status=status):
        click.echo(server)


@main.command()
@click.pass_obj
def discover(lab: Lab) -> None:
    """Run nova-manage cell_v2 discover_hosts"""
    lab.discover_hosts()


@main.command()
@click.argument("host")
@click.pass_obj
def order(lab: Lab, host: str) -> None:
    """Send an order to the queue of a host, and print the URL of RabbitMQ's management API"""
    rabbit = RabbitMQ(lab.site)
    rabbit.order(host)
    click.echo(f"http://{rabbit.place}")


@main.command()
@click.pass_obj
def env(lab: Lab) -> None:
    """Print shell lines that point OpenStack clients at the lab"""
    for name, value in lab.env().items():
        click.echo(f"export {name}={shlex.quote(value)}")


if __name__ == "__main__":
    os.umask(0o022)
    main(prog_name="python -m tests.lab")
