"""``airgap pipeline``: the files by which releases and the runbook itself are run in CI, rendered from the params."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from airgap.cli import output
from airgap.cli.output import Json, example
from airgap.cli.runs import Env

HELP = """Files for CI, rendered from the params: how a release gets in, and how this runbook runs.

\b
Which way in is the parameter pipeline.variant; notebook 11_pipeline shows what each
of them opens. Actions are pinned by commit, deployments name digests, and no file
holds a key.
"""
app = typer.Typer(help=HELP, no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def _group() -> None:
    """A group of one command is still a group."""


@app.command(epilog=example("airgap pipeline render --env demo --out .", "airgap pipeline render --env demo --json"))
def render(
    env: Env,
    out: Annotated[Path | None, typer.Option("--out", help="Folder to write into; the root of a repository.")] = None,
    as_json: Json = False,
) -> int:
    """Write the workflows, and what runs inside, of the chosen variant; without --out say what they are.

    Needs no AWS access.
    """
    from airgap import params
    from airgap.evidence.files import write_whole
    from airgap.model import delivery
    from airgap.views.pipeline_files import render as rendered

    intent = params.load(env)
    files, chosen = rendered(intent), delivery.variant(intent)
    for path, text in files.items() if out else ():
        place = Path(out or "") / path
        place.parent.mkdir(parents=True, exist_ok=True)
        write_whole(place, text)
    if as_json:
        output.document({"env": env, "variant": chosen.name, "zero_egress": chosen.closed, "files": files})
        return 0
    output.say(f"{chosen.title}; keeps zero egress: {'yes' if chosen.closed else 'no'}\nOpens: {chosen.opens}")
    for path in files:
        output.say(f"  {path}{' written' if out else ''}")
    return 0
