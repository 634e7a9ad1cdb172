"""Charts rendered by Helm, with no network: what a release would apply, as plain objects.

Source: Helm 4, "helm template"; hooks are rendered too, since their images must be mirrored as well.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from airgap.errors import AirgapError

LIMIT = 60.0
"""Seconds; a chart renders in a tenth of one."""


@dataclass(frozen=True)
class Release:
    """What is rendered: a chart's archive under a release's name, with values, for one version of Kubernetes."""

    name: str
    namespace: str
    values: Mapping[str, Any]
    version: str
    api_versions: Sequence[str] = ()


def helm() -> str:
    """Return the path of the Helm that came with the runbook, or of the one on the search path."""
    beside = Path(sys.executable).with_name("helm")
    found = str(beside) if beside.exists() else shutil.which("helm")
    if not found:
        raise AirgapError(
            "Helm is not installed", "anything in the cluster", "run 'make setup', or put helm 4 on the search path"
        )
    return found


def render(archive: bytes, release: Release) -> list[dict[str, Any]]:
    """Return the objects that a chart renders, custom resource definitions and hooks included, in Helm's order."""
    values = json.dumps(release.values)
    return objects(_template(archive, release.name, release.namespace, values, release.version, *release.api_versions))


@lru_cache(maxsize=32)
def _template(archive: bytes, name: str, namespace: str, values: str, version: str, *api_versions: str) -> str:
    """Return what Helm prints; the same is asked for a plan and for its verdict, and depends on nothing else."""
    with tempfile.TemporaryDirectory(prefix="airgap-chart-") as folder:
        chart, given = Path(folder, "chart.tgz"), Path(folder, "values.json")
        chart.write_bytes(archive)
        given.write_text(values)
        command = [
            helm(), "template", name, str(chart), "--namespace", namespace, "--values", str(given),
            "--kube-version", version, "--include-crds",
        ]  # fmt: skip
        command += [part for one in api_versions for part in ("--api-versions", one)]
        home = {"HOME": folder, "HELM_CACHE_HOME": folder, "HELM_CONFIG_HOME": folder, "HELM_DATA_HOME": folder}
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=LIMIT, check=False, env={**home, "PATH": "/usr/bin:/bin"}
        )
    if done.returncode:
        told = done.stderr.strip().replace(folder + "/", "")
        raise AirgapError(
            f"The chart of release {name} does not render: {told}",
            f"release {name}",
            "correct its values, or mirror a version of the chart that fits this version of Kubernetes",
        )
    return done.stdout


def objects(text: str) -> list[dict[str, Any]]:
    """Return the objects of a stream of YAML documents, lists unfolded; empty documents are left out."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    found: list[dict[str, Any]] = []
    for document in yaml.load_all(text, Loader=loader):
        if isinstance(document, dict):
            found += document["items"] if document.get("kind") == "List" else [document]
    return found
