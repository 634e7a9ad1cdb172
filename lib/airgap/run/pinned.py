"""What a plan rests on that is no system's answer: the lock file of images, and the charts that it pins, rendered.

They are recorded as pages too, so that a plan and a verdict can be derived again without the files.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from airgap.errors import AirgapError, ParamsError
from airgap.kube import charts, rendering
from airgap.model.canonical import digest
from airgap.model.intent import Intent
from airgap.model.mirror import Lock
from airgap.resources import releases

LOCK, TEMPLATE = "images:ReadLock", "helm:Template"


def lock_file(root: Path, environment: str) -> Path:
    """Return where the lock of an environment's images stands."""
    return root / "params" / f"{environment}.images.json"


def read_lock(root: Path, intent: Intent) -> dict[str, Any]:
    """Return the lock file's content; raises ``ParamsError`` where it is missing or wrong."""
    path = lock_file(root, intent.environment)
    again = f"run 'airgap mirror lock --env {intent.environment}' where there is internet, and keep the file in git"
    try:
        data: dict[str, Any] = json.loads(path.read_text())
        Lock.from_data(data)
    except FileNotFoundError as error:
        raise ParamsError(f"{path} does not exist: no image is pinned", "anything", again) from error
    except (ValueError, KeyError, TypeError) as error:
        raise ParamsError(f"{path} is no lock of images: {error}", "anything", again) from error
    return data


def render(root: Path, intent: Intent, name: str) -> dict[str, Any]:
    """Return one release as rendered: chart, values, objects, and the certificates to be made in the cluster."""
    release = next(one for one in releases.RELEASES if one.name == name)
    lock = Lock.from_data(read_lock(root, intent))
    chart = lock.chart(release.component)
    if chart is None:
        what = f"no chart of {release.component} is locked"
        raise ParamsError(what, f"release {name}", f"run 'airgap mirror lock --env {intent.environment}'")
    try:
        values = releases.values(release, intent, lock)
    except LookupError as missing:
        what = f"release {name} needs {missing.args[0]}, which the lock does not pin"
        raise ParamsError(what, f"release {name}", f"run 'airgap mirror lock --env {intent.environment}'") from missing
    archive = _archive(root, chart.source.rpartition("/")[2], chart.tag, chart.archive)
    asked = charts.Release(name, release.namespace, values, f"{intent.cluster.version}.0")
    objects, certificates = rendering.settled(name, release.namespace, charts.render(archive, asked))
    told = {"source": chart.source, "version": chart.tag, "digest": chart.digest}
    return {"release": name, "chart": told, "values": values, "objects": objects, "certificates": certificates}


def _archive(root: Path, name: str, version: str, wanted: str) -> bytes:
    path = root / "params" / "charts" / f"{name}-{version}.tgz"
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        what = f"{path} does not exist; the lock pins it as {wanted}"
        raise ParamsError(
            what, f"chart {name}", "run 'airgap mirror lock', which keeps the charts beside the params"
        ) from error
    if f"sha256:{digest(data)}" != wanted:
        what = f"{path} is not the archive that the lock pins: sha256:{digest(data)} instead of {wanted}"
        raise AirgapError(
            what, f"chart {name}", "take the file from git again; if it was meant to change, lock it anew"
        )
    return data


READS: dict[str, Callable[[Path, Intent, Mapping[str, Any]], dict[str, Any]]] = {
    LOCK: lambda root, intent, params: read_lock(root, intent),
    TEMPLATE: lambda root, intent, params: render(root, intent, params["release"]),
}
