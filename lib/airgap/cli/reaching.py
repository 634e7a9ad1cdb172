"""``airgap reach``: a person's way to the database or the cluster, through the operations host where that is needed."""

from __future__ import annotations

from typing import Annotated

import typer

from airgap.cli import output
from airgap.cli.output import Json, example
from airgap.cli.runs import Env


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command(epilog=example("airgap reach database --env prod", "airgap reach cluster --env prod"))(reach)


def reach(
    target: Annotated[str, typer.Argument(help="database or cluster.")],
    env: Env,
    as_json: Json = False,
) -> int:
    """Open a way by Session Manager, print the settings for psql or kubectl, and keep it open until Ctrl-C.

    The true TLS name stays, so that clients verify who answers. RDS's certificates come by PGSSLROOTCERT, and
    credentials by whoever has a right to them: none is read here. 4: it cannot be reached, and what stands in the way.
    """
    from airgap.run.reaching import reach as reached

    with reached(env, target) as (way, wait):
        if as_json:
            output.document(way.as_data())
        else:
            for name, value in way.settings.items():
                output.say(f"export {name}='{value}'")
        if not way.tunnelled:
            return 0
        output.progress("", f"{way.host}:{way.port} is at {way.address}:{way.local_port}; Ctrl-C ends it")
        try:
            wait()
        except KeyboardInterrupt:
            output.progress("", "ended")
    return 0
