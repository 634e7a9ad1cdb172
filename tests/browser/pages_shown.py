"""One run of every status, with registers, every view and an annex: what each kind of page can hold."""

from __future__ import annotations

import json
from pathlib import Path

import drawn_estates as drawn
from synthetic_run import FINDINGS, NOTEBOOK, make_run
from test_report_pages import REGISTER

from airgap.controls import FRAMEWORKS
from airgap.report.run_report import render_run
from airgap.views import VIEWS, Look

STEP = "steps/02_network"
KINDS = {
    "first page": "index.html",
    "step": f"{STEP}/report.html",
    "notebook": f"{STEP}/notebook.html",
    "framework": "frameworks/pci.html",
}


def everything(root: Path) -> dict[str, Path]:
    """Write the run and its pages; a page by the name of its kind."""
    mapped = next(one for one in FRAMEWORKS if one.id == "pci").mappings()
    reviews = [
        {"framework": "pci", "requirement": one.requirement, "property": one.property, "mapping": one.mapping,
         "decision": decision, "reviewer": "Ada", "date": "2026-11-20", "note": "for a reason of our own"}
        for one, decision in zip(mapped, ("accepted", "rejected", "changed"), strict=False)
    ]  # fmt: skip
    run = make_run(root, FINDINGS, exceptions=[REGISTER], reviews=reviews)
    (run / STEP / "views.json").write_text(json.dumps(list(views())))
    shown = [{"output_type": "display_data", "data": {"text/html": one["html"]}} for one in views()[:6]]
    prose = {"cell_type": "markdown", "source": ["# Network\n\n| | |\n|---|---|\n| Needs | nothing |\n"]}
    cell = {"cell_type": "code", "source": "step.look()", "outputs": shown}
    (run / STEP / "notebook.ipynb").write_text(json.dumps({"cells": [prose, *NOTEBOOK["cells"], cell]}))
    render_run(run, pdf=False)
    return {name: run / path for name, path in KINDS.items()}


def views() -> list[dict[str, str]]:
    """Every view of every step, over an environment in which all is in place."""
    look = Look(drawn.DEMO, drawn.estate(drawn.deployed()))
    every = [(name, view) for held in VIEWS.values() for name, view in held.items()]
    return [
        {"name": f"v-{number}-{name}", "title": view.title, "html": view(look).html(), "text": ""}
        for number, (name, view) in enumerate(every)
    ]
