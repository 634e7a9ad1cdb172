"""Commands of the zero-egress proof: trace and prove, offline, on somebody's recorded estate."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from airgap.cli import output
from airgap.cli.output import Json, example

Estate = Annotated[Path, typer.Argument(help="A snapshot, a bundle, or a folder of describe output.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    for command, lines in EXAMPLES.items():
        app.command(epilog=example(*lines))(command)


def trace(
    estate: Estate,
    origin: Annotated[str, typer.Option("--from", help="Interface, subnet, gateway, or the word internet.")],
    to: Annotated[str, typer.Option("--to", help="Address it is sent to.")],
    protocol: Annotated[str, typer.Option("--protocol", help="tcp, udp, icmp or a number.")],
    port: Annotated[int | None, typer.Option("--port", help="Destination port; none: any. ICMP: type*256+code.")] = None,
    source: Annotated[str, typer.Option("--source", help="Address it is sent from; none: the interface's own.")] = "",
    as_json: Json = False,
) -> int:
    """Walk one packet through a recorded network, hop by hop. From a subnet: of any interface that it could have."""
    from airgap.egress.facts import Facts
    from airgap.egress.network import Network
    from airgap.egress.tracing import ask
    from airgap.egress.walker import UNKNOWN
    from airgap.run.estates import documents

    found = ask(Network(Facts(documents(estate))), origin, to, protocol, port, source)
    if as_json:
        output.document(found.as_data())
    else:
        _say_trace(found.as_data())
    return 4 if found.outcome == UNKNOWN else 0


def _say_trace(data: Mapping[str, Any]) -> None:
    for number, hop in enumerate(data["hops"], 1):
        output.say(f"{number:>3}  {hop['at']}: {hop['what']}")
    where = " -> ".join(data["boundary"]) if data["boundary"] else data["at"]
    output.say(f"{data['outcome']}{': ' + data['reason'] if data['reason'] else ''} ({where or 'nowhere'})")
    for one in data["assumed"]:
        output.say(f"  assumed: {one}")


EXAMPLES: Mapping[Callable[..., int], tuple[str, ...]] = {
    trace: ("airgap trace estate --from subnet-0a1b --to 8.8.8.8 --protocol tcp --port 443",),
}
