"""``airgap lab``: the recorded network as namespaces of this machine, in which packets flow."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from airgap.cli import output
from airgap.cli.output import Json, example
from airgap.cli.runs import Env
from airgap.errors import UsageError

if TYPE_CHECKING:
    from airgap.egress.network import Network

app = typer.Typer(
    help="The lab: the recorded network as network namespaces of this machine; without root, of the caller's own.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
Estate = Annotated[Path | None, typer.Option("--estate", help="Snapshot, run or bundle; none: the latest run.")]
Name = Annotated[str, typer.Option("--name", help="Name of the lab; none: the environment's.")]


@app.callback()
def _entered(context: typer.Context) -> None:
    """Where the caller is not root, run the command inside namespaces of the caller's own."""
    from airgap.lab import rootless

    if context.invoked_subcommand != "show" and "--help" not in sys.argv:
        rootless.enter(sys.argv[1:], begin=context.invoked_subcommand in ("up", "agree"))


@app.command(epilog=example("airgap lab up --env demo", "airgap lab up --env demo --estate estate --name second"))
def up(env: Env = "demo", estate: Estate = None, name: Name = "", as_json: Json = False) -> int:
    """Bring the lab up from a snapshot: a namespace for each subnet, interface and gateway, and what answers there."""
    from airgap.lab import standing

    source = _source(env, estate)
    standing.install(lambda text: output.progress("", text))
    lab = standing.up(_network(source), name or env, str(source))
    if as_json:
        output.document(lab.as_data())
    else:
        output.say(f"{lab.name}: {len(lab.kinds)} namespaces {lab.prefix}*, process {lab.pid}")
        for one in lab.missing:
            output.say(f"  not built: {one}")
    return 4 if lab.missing else 0


@app.command(epilog=example("airgap lab down", "airgap lab down --name second"))
def down(env: Env = "demo", name: Name = "", as_json: Json = False) -> int:
    """Take the lab down: its namespaces, its process, its folder. That none stands is no error."""
    from airgap.lab import engine, rootless, standing, street

    # What was shown ends by itself; of what was killed, pods and namespaces stay until somebody looks.
    left = engine.clear() + street.clear()
    ended = standing.down(name or env) or left > 0
    rootless.leave()
    if as_json:
        output.document({"ended": ended})
    elif not ended:
        output.progress("", "no such lab stood here")
    return 0


@app.command(epilog=example("airgap lab status"))
def status(as_json: Json = False) -> int:
    """List the labs that stand on this machine. 0: one does, 1: none."""
    from airgap.lab import standing

    found = standing.standing()
    if as_json:
        output.document({"standing": [one.as_data() for one in found]})
    else:
        for one in found:
            output.say(f"{one.name}: {len(one.kinds)} namespaces {one.prefix}*, process {one.pid}, from {one.source}")
    return 0 if found else 1


@app.command(epilog=example("airgap lab agree --env demo --packets 2000 --seed 7"))
def agree(
    env: Env = "demo",
    estate: Estate = None,
    packets: Annotated[int, typer.Option("--packets", min=1, help="Random packets to send.")] = 500,
    seed: Annotated[int, typer.Option("--seed", help="Where their randomness begins.")] = 1,
    as_json: Json = False,
) -> int:
    """Compare the kernel's forwarding with the proof's walker on random packets. 0: they agree, 3: they differ."""
    from airgap.lab import standing
    from airgap.lab.agreement import agreement

    network = _network(_source(env, estate))
    standing.install(lambda text: output.progress("", text))
    data = agreement(network, packets, seed).as_data()
    if as_json:
        output.document(data)
    else:
        for one in data["differing"]:
            output.say(one)
        output.say(f"{data['packets']} packets: {data['agreed']} agree, {len(data['differing'])} differ, "
                   f"{data['undecided']} undecided")  # fmt: skip
    return 3 if data["differing"] else 0 if data["agreed"] else 4


@app.command(epilog=example("airgap lab show --env demo", "airgap lab show --env demo --part data"))
def show(
    env: Env = "demo",
    part: Annotated[
        list[str] | None, typer.Option("--part", help="data (database and cache) or workload; none: both.")
    ] = None,
    as_json: Json = False,
) -> int:
    """Set the declared stores and deployment up on real components, try them, and keep the answers as live probes."""
    from airgap.cli.probes import ended, tell
    from airgap.run.showing import show as shown

    data = shown(env, part or [], lambda text: output.progress("", text))
    if as_json:
        output.document(data)
    else:
        tell(data["Judged"])
    return ended(data["Judged"])


def _source(env: str, estate: Path | None) -> Path:
    from airgap import params
    from airgap.run.context import reports_root

    found = estate or reports_root(params.project_root()) / env / "latest"
    if not found.exists():
        raise UsageError(f"{found} is not there", "anything", f"airgap apply --env {env}, or name one with --estate")
    return found.resolve()


def _network(source: Path) -> Network:
    from airgap.egress.facts import Facts
    from airgap.egress.network import Network
    from airgap.run.estates import documents

    return Network(Facts(documents(source)))
