"""``airgap rehearse``: the embedded AWS on loopback."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from airgap.cli import output
from airgap.errors import UsageError

app = typer.Typer(
    help="The embedded AWS: a whole account on loopback, empty at each start.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
Port = Annotated[int | None, typer.Option("--port", min=1, max=65535, help="Loopback port; none: a free one.")]


@app.command()
def up(port: Port = None) -> int:
    """Start it, return when it answers, and print the environment to use as KEY=VALUE lines."""
    from airgap import rehearsal

    for name, value in rehearsal.up(port).environment().items():
        output.say(f"{name}={value}")
    return 0


@app.command()
def down(port: Port = None) -> int:
    """End the one that --port or AWS_ENDPOINT_URL names."""
    from airgap import rehearsal

    if not rehearsal.down(_where(port)):
        output.progress("", "no embedded AWS was running there")
    return 0


@app.command()
def status(port: Port = None) -> int:
    """Say whether the one that --port or AWS_ENDPOINT_URL names runs; with neither, list all. 0: runs, 1: not."""
    from airgap import rehearsal

    named = port is not None or os.environ.get("AWS_ENDPOINT_URL")
    found = [rehearsal.status(_where(port))] if named else rehearsal.running()
    for one in found:
        if one is not None:
            output.say(f"{one.url} pid {one.pid}")
    return 0 if any(found) else 1


def _where(port: int | None) -> int | str:
    where = port or os.environ.get("AWS_ENDPOINT_URL", "")
    if not where:
        raise UsageError("Which one? Neither --port nor AWS_ENDPOINT_URL is given", "anything", "name its port")
    return where
