"""The golden run, ``reports/example/``: what of a demo run a reader may want to see first, small enough for git.

``python tests/e2e/example.py`` makes it anew, from an apply of the demo on an embedded AWS of its own. The story of the
end-to-end tests compares its own run with it, so that it shows what the product says today.
"""

from __future__ import annotations

import csv
import json
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from commandline import ROOT, Airgap

from airgap import rehearsal

EXAMPLE = ROOT / "reports" / "example"
KEPT = ("index.html", "summary.md", "run.json", "population.csv", "steps/02_network/report.html")
LINK = re.compile(r'<a href="([^"#][^"]*)"[^>]*>(.*?)</a>')
HEADING = re.compile(r"<h2>(.*?)</h2>")


def keep(run: Path, example: Path = EXAMPLE) -> None:
    """Keep a run as the example; what links to a file that is left out becomes plain text."""
    shutil.rmtree(example, ignore_errors=True)
    for name in KEPT:
        place = example / name
        place.parent.mkdir(parents=True, exist_ok=True)
        text = (run / name).read_text(encoding="utf-8")
        place.write_text(unlinked(text, Path(name).parent) if name.endswith(".html") else text, encoding="utf-8")


def unlinked(page: str, folder: Path) -> str:
    """Return a page in which only those links are left that lead into the example."""
    kept = {(Path("/") / name).resolve() for name in KEPT}

    def link(match: re.Match[str]) -> str:
        target = (Path("/") / folder / match[1].partition("#")[0]).resolve()
        return match[0] if target in kept else match[2]

    return LINK.sub(link, page)


def differences(run: Path, example: Path = EXAMPLE) -> Iterator[str]:
    """Yield where a run of the demo says something else than the example: other steps, checks or sections."""
    now, then = _says(run), _says(example)
    yield from (f"not in the example: {one}" for one in sorted(now - then))
    yield from (f"only in the example: {one}" for one in sorted(then - now))
    for name in KEPT:
        if name.endswith(".html") and HEADING.findall((run / name).read_text()) != HEADING.findall(
            (example / name).read_text()
        ):
            yield f"{name}: other sections"


def _says(run: Path) -> set[str]:
    """Return the steps of a run, and the checks by id and title; how many each judged may differ."""
    steps = {f"step {one['title']}" for one in json.loads((run / "run.json").read_text())["steps"]}
    rows = csv.DictReader((run / "population.csv").read_text(encoding="utf-8").splitlines())
    return steps | {f"check {row['check']}: {row['title']}" for row in rows}


def main() -> None:
    """Deploy the demo and keep the run; exits with 1 where it is not clean."""
    running = rehearsal.up()
    try:
        with tempfile.TemporaryDirectory() as reports:
            airgap = Airgap(Path(reports), running.environment())
            done = airgap("apply", "--env", "demo", "--pdf")
            if done.returncode:
                sys.exit(done.stderr)
            keep(airgap.reports / "demo" / "latest")
    finally:
        rehearsal.down(running.port)


if __name__ == "__main__":
    main()
