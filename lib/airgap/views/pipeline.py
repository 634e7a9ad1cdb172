"""The pipeline: which way in was chosen and what the others would open, what runs inside, and the rendered files."""

from __future__ import annotations

import functools
import hashlib
from typing import Any

from airgap.checks.check import NotApplicable
from airgap.checks.pipeline import GOT, LISTED, PROFILES, SHARED, USER_DATA, documents, runners
from airgap.checks.pipeline_builds import PIPELINE_READS, PROJECT_READS, pipelines, projects
from airgap.checks.scope import tiers
from airgap.model import delivery
from airgap.model.canonical import dig
from airgap.views.look import Look, attempt
from airgap.views.pipeline_files import render
from airgap.views.table import LATER, Code, Group, Mark, Table, not_read

RUNNER_READS = (
    *("ec2:DescribeVpcs", "ec2:DescribeSubnets", "ec2:DescribeInstances"),
    *(PROFILES, USER_DATA, LISTED, GOT, SHARED, *PROJECT_READS, *PIPELINE_READS),
)
_CHOSEN, _OTHER = Mark("chosen", "✓", "good"), Mark("not chosen", "–", "quiet")
_CLOSED, _OPEN = Mark("yes", "✓", "good"), Mark("no", "✗", "bad")
_INDENT = "\u00a0"
"""Keeps the indentation of a line where a browser would drop blanks."""
USES = {
    ".github/workflows/deploy.yml": "deploys one release by digest",
    ".github/workflows/runbook.yml": "plans, applies what was approved, verifies every night",
    ".github/deploy/document-deploy.json": "what a deployment runs inside",
    ".github/deploy/document-rollback.json": "what takes a deployment back",
    ".github/deploy/pipeline.json": "the pipeline's stages",
    "buildspec.yml": "what a build runs inside",
}


def ways(look: Look) -> Table:
    """Return the ways for a release to get in: the chosen one, the others, and the one that no params can choose."""
    chosen = delivery.variant(look.intent)
    rows = [
        (
            one.title,
            _CHOSEN if one is chosen else _OTHER,
            _CLOSED if one.closed else _OPEN,
            one.control,
            one.runs,
            one.opens,
        )
        for one in (*delivery.VARIANTS, delivery.HOSTED)
    ]
    columns = ("way in", "here", "keeps zero egress", "who decides", "what runs inside", "what it opens")
    note = f"pipeline.variant is {chosen.name}. Images get in by 'airgap mirror', and by push through ECR's endpoints."
    return Table("Ways for a release to get in", columns, rows, note=note)


def inside(look: Look) -> Table:
    """Return what stands inside for deployments: runner host, documents, builds, pipeline."""
    rows: list[tuple[Any, ...]] = []
    for title, rows_of in (("runner host", _hosts), ("document", _documents), ("builds", _builds)):
        try:
            found, reason = attempt(functools.partial(rows_of, look), [])
            rows += [(title, "", not_read(reason), "", "")] if reason else found
        except NotApplicable as cause:
            rows.append((title, "", Mark(f"none: {cause}", "–", "quiet"), "", ""))
    return Table("What runs inside", ("what", "name", "state", "where", "as whom, and what of it"), rows)


def _hosts(look: Look) -> list[tuple[Any, ...]]:
    placed = tiers(look.intent, look.estate)
    rows = [
        (
            "runner host",
            Code(one["InstanceId"]),
            Mark(str(dig(one, "State.Name")), "✓", "good"),
            f"{one.get('PrivateIpAddress')}, {placed.get(one['SubnetId'], 'foreign')} subnet {one['SubnetId']}",
            Code(str(dig(one, "IamInstanceProfile.Arn") or "no profile").rpartition("/")[2]),
        )
        for _, one in runners(look.intent, look.estate)
    ]
    return rows or [("runner host", look.intent.name("runner"), LATER, "a private subnet", look.intent.name("runner"))]


def _documents(look: Look) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = []
    for _, (purpose, found) in documents(look.intent, look.estate):
        name = delivery.document_name(look.intent, purpose)
        state = Mark(f"version {found.get('DocumentVersion')}", "✓", "good") if found else LATER
        asked = ", ".join(one for one, _, _ in delivery.PARAMETERS[purpose])
        rows.append(("document", Code(name), state, "Session Manager", f"{look.intent.identity.deploy_role}; {asked}"))
    return rows


def _builds(look: Look) -> list[tuple[Any, ...]]:
    role = look.intent.name("runner")
    held = [("builds", one, dig(one, "vpcConfig.subnets") or []) for _, one in projects(look.intent, look.estate)]
    held += [("pipeline", one, []) for _, one in pipelines(look.intent, look.estate)]
    rows: list[tuple[Any, ...]] = [
        (what, Code(one["name"]), Mark("there", "✓", "good"), ", ".join(where), Code(role)) for what, one, where in held
    ]
    return rows or [("builds", look.intent.name("deploy"), LATER, "the private subnets", role)]


def files(look: Look) -> Table:
    """Return every rendered file, whole, with its digest; ``airgap pipeline render`` writes the same."""
    rows: list[Any] = []
    for path, text in render(look.intent).items():
        digest = hashlib.sha256(text.encode()).hexdigest()
        rows.append(Group(f"{path}: {USES[path]}; SHA-256 {digest}"))
        rows.append(("", tuple(Code(_indented(line)) for line in text.splitlines())))
    note = f"airgap pipeline render --env {look.intent.environment} --out DIR writes them."
    return Table("Rendered files", ("file", "text"), rows, note=note)


def _indented(line: str) -> str:
    bare = line.lstrip(" ")
    return _INDENT * (len(line) - len(bare)) + bare
