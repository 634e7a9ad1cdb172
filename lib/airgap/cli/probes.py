"""``airgap probe``: live probes from hosts inside the environment, or from the lab."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from airgap.cli import output
from airgap.cli.output import Json, example
from airgap.cli.runs import Env


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command(epilog=example("airgap probe --env demo", "airgap probe --env prod --host ssm://i-0a1b2c"))(probe)


def probe(
    env: Env,
    host: Annotated[
        list[str] | None,
        typer.Option(
            "--host",
            help="BACKEND://NAME, of ssm, kubectl, netns, docker, podman, ssh, local; again: more. local://client is a "
            "client of the application on this machine.",
        ),
    ] = None,
    lab: Annotated[str, typer.Option("--lab", help="Name of the lab to probe from; none: the environment's.")] = "",
    as_json: Json = False,
) -> int:
    """Try from inside what must be refused, beside what must be answered. 0: all as it must be, 3: not, 4: unknown."""
    from airgap.cloud.session import Clock
    from airgap.lab import rootless
    from airgap.run.context import stamp
    from airgap.run.probing import probe as probed

    if not host or any(one.startswith("netns://") for one in host):
        rootless.enter(sys.argv[1:], begin=False)
    hosts = host or _hosts_of(lab or env)
    vpcs, authority = _lab_of(hosts)
    told = probed(env, hosts, stamp(Clock()), vpcs, authority)
    if as_json:
        output.document(told)
    else:
        tell(told["Judged"])
    return ended(told["Judged"])


def ended(rows: Sequence[Mapping[str, Any]]) -> int:
    """Return the exit code of judged probes: 0 all as they must be, 3 one is not, 4 unknown or nothing tried."""
    kinds = {one["status"] for one in rows}
    return 3 if "fail" in kinds else 4 if "unknown" in kinds or not rows else 0


def _hosts_of(name: str) -> list[str]:
    """Return the hosts of a standing lab that can run something of ours: instances and functions."""
    from airgap.lab import standing

    lab = standing.status(name)
    return [] if lab is None else [f"netns://{lab.prefix}{one}" for one in lab.origins]


def _lab_of(hosts: Sequence[str]) -> tuple[list[str], str]:
    """Return the VPCs of which the labs of these hosts were built, and the authorities of their services."""
    from airgap.lab import standing

    labs = [one for one in standing.standing() if any(host.startswith(f"netns://{one.prefix}") for host in hosts)]
    vpcs = sorted({name for one in labs for name, kind in one.kinds.items() if kind == "vpc"})
    return vpcs, "".join(standing.authority_file(one.name).read_text() for one in labs)


def tell(rows: Sequence[Mapping[str, Any]]) -> None:
    """Say what came of each probe, host by host, and count them."""
    for host in sorted({one["host"] for one in rows}):
        output.say(host)
        for one in rows:
            if one["host"] == host:
                output.say(f"  {one['status']:<8} {one['said']}")
    counts = {kind: sum(one["status"] == kind for one in rows) for kind in ("pass", "fail", "unknown")}
    output.say(f"\n{counts['pass']} as they must be, {counts['fail']} not, {counts['unknown']} unknown")
