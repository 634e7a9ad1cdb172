"""The files of a pipeline, rendered from the params: workflows, build specification, documents, each by its path.

What runs inside comes from ``model.delivery``, as the declared documents and builds do. GitHub: "Workflow syntax",
"Security hardening for GitHub Actions" (pin by commit, no token by default, values through the environment).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from airgap.model import delivery
from airgap.model.delivery import DEPLOY, PARAMETERS
from airgap.model.intent import Intent

TEMPLATES = Path(__file__).with_name("templates")
DEPLOY_FILE, RUNBOOK_FILE = ".github/workflows/deploy.yml", ".github/workflows/runbook.yml"
INSIDE = ".github/deploy"
"""The folder of what is not a workflow."""


def render(intent: Intent) -> dict[str, str]:
    """Return the text of every file that the chosen variant needs, by its path in a repository."""
    return {path: text for name in delivery.variant(intent).files for path, text in [_FILES[name](intent)]}


def _document(purpose: str) -> Callable[[Intent], tuple[str, str]]:
    return lambda intent: (_path(f"document-{purpose}.json"), _json(delivery.document(intent, purpose)))


def _path(name: str) -> str:
    return f"{INSIDE}/{name}"


def _json(data: Any) -> str:
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def _deploy(intent: Intent) -> tuple[str, str]:
    values = {name: f"${variable}" for name, variable in _variables()}
    return DEPLOY_FILE, _filled(
        f"deploy.{intent.pipeline.variant}.yml.j2",
        intent,
        document=delivery.document_name(intent, DEPLOY),
        file=_path("document-deploy.json"),
        held=delivery.held(),
        lines=delivery.lines(intent, DEPLOY, values, "Ec2InstanceMetadata"),
    )


def _variables() -> list[tuple[str, str]]:
    return [(name, delivery.variable_name(name)) for name, _, _ in PARAMETERS[DEPLOY]]


def _buildspec(intent: Intent) -> tuple[str, str]:
    script = delivery.buildspec(intent)["phases"]["build"]["commands"][0]
    return "buildspec.yml", _filled("buildspec.yml.j2", intent, lines=script.splitlines())


def _pipeline(intent: Intent) -> tuple[str, str]:
    stages = delivery.stages(intent, intent.name("deploy"))
    return _path("pipeline.json"), _json({"name": intent.name("deploy"), "stages": stages})


def _runbook(intent: Intent) -> tuple[str, str]:
    inside = intent.pipeline.variant == delivery.GHES
    asked = {
        "rehearsal": intent.embedded,
        "oidc": not intent.embedded and not inside,
        "runner": f"[self-hosted, linux, airgap-{intent.environment}]" if inside else "ubuntu-24.04",
    }
    start = _filled("start.yml.j2", intent, **asked).rstrip("\n")
    return RUNBOOK_FILE, _filled("runbook.yml.j2", intent, start=start, **asked)


_FILES: dict[str, Callable[[Intent], tuple[str, str]]] = {
    "deploy": _deploy,
    "document-deploy": _document(delivery.DEPLOY),
    "document-rollback": _document(delivery.ROLLBACK),
    "buildspec": _buildspec,
    "pipeline": _pipeline,
    "runbook": _runbook,
}


def _filled(template: str, intent: Intent, **values: Any) -> str:
    common = {
        "env": intent.environment,
        "region": intent.region,
        "role": intent.identity.deploy_role,
        "actions": delivery.ACTIONS,
        "inputs": [(name, text) for name, text, _ in PARAMETERS[DEPLOY]],
        "variables": _variables(),
    }
    return str(_templates().get_template(template).render(**common, **values))


@cache
def _templates() -> Any:
    """Square brackets, since workflows have curly ones of their own."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        autoescape=False,
        keep_trailing_newline=True,
        variable_start_string="[[",
        variable_end_string="]]",
        block_start_string="[%",
        block_end_string="%]",
        comment_start_string="[#",
        comment_end_string="#]",
    )
