"""``airgap bundle chain``: an environment's runs in their order, and where something is missing between them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from airgap.cli import output
from airgap.cli.output import Json, example

Shelf = Annotated[str, typer.Argument(help="An environment, as demo, or a folder of bundles.")]


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command(epilog=example("airgap bundle chain prod", "airgap bundle chain archive/2026"))(chain)


def chain(shelf: Shelf, as_json: Json = False) -> int:
    """Show every run with its date, its verdict and the bundle that it follows; gaps are named.

    Exit codes: 0 no gap, 10 a bundle is another one than the next names, 11 a gap.
    """
    from airgap.evidence.chaining import chain as links
    from airgap.params import project_root
    from airgap.run.context import reports_root

    folder = Path(shelf) if Path(shelf).is_dir() else reports_root(project_root()) / shelf
    found = links(folder.resolve())
    code = min((one.code for one in found if one.code), default=0)
    if as_json:
        output.document({"exit_code": code, "runs": [one._asdict() for one in found]})
        return code
    marks = {0: "OK", 10: "FAIL", 11: "GAP"}
    for one in found:
        output.say(f"{marks[one.code]:<4}  {one.run_id}  {one.started:<20}  {one.verdict or '-':<7}  {one.text}")
    output.say(f"{len(found)} runs, {sum(bool(one.manifest_sha256) for one in found)} bundles, "
               f"{sum(one.code == 11 for one in found)} gaps")  # fmt: skip
    return code
