"""``airgap kit``: the runbook and all it needs in one file, carried into the gap and installed there."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from airgap.cli import output
from airgap.cli.output import Json, example

HELP = """The runbook and all that it needs, in one file, for a place with no network.

\b
Where there is internet, in a checkout:
  airgap kit save kit.tar            wheels by the hashed lock, notebooks, params,
                                     charts, helm, kubectl, the Session Manager
                                     plug-in where it is present (it says if not)
Carry kit.tar and kit.tar.load.pyz by media or by the artefact bucket, and compare
the SHA-256 that save printed with the one on the other side. There:
  python3 kit.tar.load.pyz kit.tar   on a host that has nothing but Python
  airgap kit load kit.tar            on one that has the runbook already
Images are a file of their own: airgap mirror save, airgap mirror load.
"""
app = typer.Typer(help=HELP, no_args_is_help=True, rich_markup_mode=None)
File = Annotated[Path, typer.Argument(help="The kit: a tar.")]


@app.command(epilog=example("airgap kit save kit.tar"))
def save(file: File, as_json: Json = False) -> int:
    """Write the kit of this checkout, and its loader beside it. Needs the package cache or internet, and no AWS.

    The same checkout gives the same bytes. What was fetched stays beside the file until it is whole.
    """
    from airgap import params
    from airgap.run.kit_saving import save as saved

    data = saved(params.project_root(), file, output.progress)
    if as_json:
        output.document(data)
        return 0
    output.say(f"{data['file']}: {_contents(data)}, {_size(data['size'])}\n  sha256 {data['sha256']}")
    output.say(f"{data['loader']}\n  sha256 {data['loader_sha256']}")
    for name, digest in data["program_digests"].items():
        output.say(f"bin/{name}\n  sha256 {digest}")
    for name in data["lacking"]:
        output.say(f"bin/{name} is not in it: it is not on this machine, and whoever tunnels from inside needs it")
    return 0


@app.command(epilog=example("airgap kit load kit.tar --into /opt/airgap"))
def load(
    file: File,
    into: Annotated[Path, typer.Option("--into", help="New folder to install into.")] = Path("airgap"),
    as_json: Json = False,
) -> int:
    """Verify every byte of a kit, then install it in a new folder, with no network. 1: it is not what was saved."""
    from airgap.run.kit_loading import load as loaded

    data = loaded(file, into, output.progress)
    if as_json:
        output.document(data)
        return 0
    output.say(f"{_contents(data)} verified and installed in {data['into']}\nNext: {data['next']}")
    return 0


def _contents(data: dict[str, Any]) -> str:
    return f"{data['members']} members, {data['wheels']} wheels, commit {data['commit']}"


def _size(count: int) -> str:
    from airgap.views.images import size

    return size(count)
