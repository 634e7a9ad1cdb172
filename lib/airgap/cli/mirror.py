"""``airgap mirror``: what is mirrored, from where and why; copied by digest, or carried by file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from airgap.cli import output
from airgap.cli.output import Json, example
from airgap.cli.runs import Env

HELP = """Images and charts for the environment's own registry, by digest.

\b
The lock params/ENV.images.json says what is mirrored; it is made where there is
internet, reviewed, and kept in git with the charts that it pins:
  airgap mirror lock --env demo        render the charts, resolve every image
  airgap mirror plan --env demo        what would be copied, and why
\b
With a way to the sources, the step images copies (or 'mirror copy' does, when
its repositories exist). Without one, carry a file:
  airgap mirror save images.tar --env demo      outside
  airgap mirror load images.tar --env demo      inside, after 'apply --only images'
                                                has made the repositories
"""
app = typer.Typer(help=HELP, no_args_is_help=True, rich_markup_mode=None)
File = Annotated[Path, typer.Argument(help="The file: an OCI image layout in a tar.")]


@app.command(epilog=example("airgap mirror lock --env demo", "airgap mirror lock --env params/demo.yaml"))
def lock(env: Env, as_json: Json = False) -> int:
    """Render the charts of the params, and pin every image that they name, hooks and hidden ones included.

    Needs internet and no AWS. Writes params/ENV.images.json and params/charts/; says what differs from before.
    """
    data = _site(env, inside=False).lock()
    if as_json:
        output.document(data)
        return 0
    for one in data["changes"]:
        output.say(f"{one['image']}: {one['before'] or 'new'} -> {one['after'] or 'not mirrored any more'}")
    output.say(f"{data['images']} images and charts in {data['file']}, {len(data['changes']) or 'no'} changes")
    return 0


@app.command(epilog=example("airgap mirror plan --env demo"))
def plan(env: Env, as_json: Json = False) -> int:
    """Show what a copy would do and why. Changes nothing.

    0: nothing to do, 2: something, 3: a signature by an approved key is missing.
    """
    data = _site(env).plan()
    if as_json:
        output.document(data)
    else:
        _table(
            ("what", "why", "from", "to", "size", "signatures"),
            [
                (one["action"], _why(one), one["image"], _place(one), _size(one["size"]), _signatures(one))
                for one in data["images"]
            ],
        )
        output.say(f"\n{len(data['images'])} images and charts, {_size(data['size'])} to copy to {data['registry']}")
    return 2 if any(one["action"] != "done" for one in data["images"]) else 0


@app.command(epilog=example("airgap mirror copy --env demo"))
def copy(env: Env, as_json: Json = False) -> int:
    """Copy what the registry lacks, from the sources; what is there whole is not read again.

    0: everything is there, 1: something failed, 3: an immutable tag names another digest, or a signature is missing.
    """
    return _ended(_site(env).copy(), as_json)


@app.command(epilog=example("airgap mirror save images.tar --env demo"))
def save(file: File, env: Env, as_json: Json = False) -> int:
    """Fetch the whole lock into a file, for a site without any connection. Needs internet and no AWS.

    What is not whole yet stays beside the file, and another run goes on with it. 0: whole, 1: something failed.
    """
    return _ended(_site(env, inside=False).save(file), as_json)


@app.command(epilog=example("airgap mirror load images.tar --env demo"))
def load(file: File, env: Env, as_json: Json = False) -> int:
    """Copy what the registry lacks from a saved file; every byte is hashed, and what the lock lacks is refused.

    0: everything is there, 1: something failed, 3: an immutable tag names another digest.
    """
    return _ended(_site(env).load(file), as_json)


def _size(count: int) -> str:
    from airgap.views.images import size

    return size(count)


def _site(env: str, *, inside: bool = True) -> Any:
    from airgap.run.mirroring import Site

    return Site.open(env, output.progress, inside=inside)


def _why(row: Mapping[str, Any]) -> str:
    return f"for {row['for']}" if row["action"] == "done" else f"for {row['for']}: {row['why']}"


def _place(row: Mapping[str, Any]) -> str:
    """Repository and tag; all are in one registry, which is named once."""
    return str(row["to"]).partition("/")[2]


def _signatures(row: Mapping[str, Any]) -> str:
    signed = f"signed by {row['signed_by']}" if row["signed_by"] else "signed" if row["signed"] else "unsigned"
    return f"{signed}, {len(row['attached'])} attached"


def _ended(data: Mapping[str, Any], as_json: bool) -> int:
    if as_json:
        output.document(data)
        return int(data["exit_code"])
    for one in data["images"]:
        output.say(f"{one['state']:<7} {one['image']} -> {one['to']}, {_size(one['bytes'])}")
        if one["error"]:
            output.say("        " + one["error"].replace("\n", "\n        "))
    if "sha256" in data:
        output.say(f"\n{data['file']}: {_size(data['size'])}, sha256 {data['sha256']}")
    return int(data["exit_code"])


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    wide = [max(len(name), *(len(row[number]) for row in rows), 0) for number, name in enumerate(columns)]
    for row in (columns, *rows):
        output.say("  ".join(cell.ljust(width) for cell, width in zip(row, wide, strict=True)).rstrip())
