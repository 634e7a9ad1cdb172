"""``airgap rehearse``: the embedded AWS on loopback."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from airgap.cli import output
from airgap.cli.output import Json, example
from airgap.errors import UsageError

app = typer.Typer(
    help="The embedded AWS: a whole account on loopback, empty at each start.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
Port = Annotated[int | None, typer.Option("--port", min=1, max=65535, help="Loopback port; none: a free one.")]


@app.command(epilog=example("export $(airgap rehearse up)", "airgap rehearse up --port 4566"))
def up(port: Port = None, as_json: Json = False) -> int:
    """Start it, return when it answers, and print the environment to use as KEY=VALUE lines."""
    from airgap import rehearsal

    environment = rehearsal.up(port).environment()
    if as_json:
        output.document(environment)
    else:
        for name, value in environment.items():
            output.say(f"{name}={value}")
    return 0


@app.command(epilog=example("airgap rehearse down", "airgap rehearse down --port 4566"))
def down(port: Port = None, as_json: Json = False) -> int:
    """End the one that --port or AWS_ENDPOINT_URL names; that none runs there is no error."""
    from airgap import rehearsal

    ended = rehearsal.down(_where(port))
    if as_json:
        output.document({"ended": ended})
    elif not ended:
        output.progress("", "no embedded AWS was running there")
    return 0


@app.command(epilog=example("airgap rehearse status", "airgap rehearse status --port 4566"))
def status(port: Port = None, as_json: Json = False) -> int:
    """Say whether the one that --port or AWS_ENDPOINT_URL names runs; with neither, list all. 0: runs, 1: not."""
    from airgap import rehearsal

    named = port is not None or os.environ.get("AWS_ENDPOINT_URL")
    found = [one for one in ([rehearsal.status(_where(port))] if named else rehearsal.running()) if one]
    if as_json:
        output.document({"running": [{"url": one.url, "pid": one.pid} for one in found]})
    else:
        for one in found:
            output.say(f"{one.url} pid {one.pid}")
    return 0 if found else 1


def _where(port: int | None) -> int | str:
    where = port or os.environ.get("AWS_ENDPOINT_URL", "")
    if not where:
        raise UsageError("Which one? Neither --port nor AWS_ENDPOINT_URL is given", "anything", "name its port")
    return where
