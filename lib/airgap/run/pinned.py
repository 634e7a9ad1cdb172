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
from airgap.model import manifests
from airgap.model.canonical import digest
from airgap.model.intent import Intent
from airgap.model.mirror import Entry, Lock, registry, repository
from airgap.resources import releases

LOCK, TEMPLATE = "images:ReadLock", "helm:Template"


def lock_file(root: Path, environment: str) -> Path:
    """Return where the lock of an environment's images stands."""
    return root / "params" / f"{environment}.images.json"


def read_lock(root: Path, intent: Intent) -> dict[str, Any]:
    """Return the lock file's content; raises ``ParamsError`` where it is missing or wrong."""
    path = lock_file(root, intent.environment)
    try:
        data: dict[str, Any] = json.loads(path.read_text())
        Lock.from_data(data)
    except FileNotFoundError as error:
        what = f"params/{path.name} does not exist: no image is pinned"
        raise ParamsError(what, "anything", _again(intent)) from error
    except (ValueError, KeyError, TypeError) as error:
        raise ParamsError(f"params/{path.name} is no lock of images: {error}", "anything", _again(intent)) from error
    return data


def render(root: Path, intent: Intent, name: str) -> dict[str, Any]:
    """Return one release as rendered: chart, values, objects, and the certificates to be made in the cluster.

    Raises ``ParamsError``, naming chart, object and place, for an image that the lock lacks or that would be pulled
    from elsewhere than the environment's registry.
    """
    release = next(one for one in (*releases.RELEASES, releases.APPLICATION) if one.name == name)
    lock = Lock.from_data(read_lock(root, intent))
    chart = lock.chart(release.component)
    if chart is None:
        raise ParamsError(f"no chart of {release.component} is locked", f"release {name}", _again(intent))
    archive = _archive(root, chart.source.rpartition("/")[2], chart.tag, chart.archive)
    try:
        values = releases.values(release, intent, lock)
    except LookupError as missing:
        found = rendered(archive, release, intent, releases.source_values(release, intent))
        raise _unlocked(chart, lock, found, intent) from missing
    objects, certificates = rendering.settled(name, release.namespace, rendered(archive, release, intent, values))
    for reference, places in manifests.every_image(objects).items():
        if not _mirrored(reference, lock, intent):
            what = f"chart {chart.reference}: {places[0].where} names {reference}, which is not in our registry"
            raise ParamsError(what, f"release {name}", "give the release a value that names the mirrored image")
    for one in objects:
        for mistake in manifests.mistakes(one):
            what = f"chart {chart.reference}: {one.get('kind')} {(one.get('metadata') or {}).get('name')} {mistake}"
            raise ParamsError(what, f"release {name}", "mend the chart or its values, then lock again")
    told = {"source": chart.source, "version": chart.tag, "digest": chart.digest}
    return {"release": name, "chart": told, "values": values, "objects": objects, "certificates": certificates}


def rendered(
    archive: bytes, release: releases.Release, intent: Intent, values: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Return what a chart renders for the environment's version of Kubernetes."""
    return charts.render(
        archive, charts.Release(release.name, release.namespace, values, f"{intent.cluster.version}.0")
    )


def _unlocked(chart: Entry, lock: Lock, objects: list[dict[str, Any]], intent: Intent) -> ParamsError:
    """Return the error that names every image of a chart which the lock lacks, and the first place that names it."""
    missing = [
        f"{places[0].where} names {reference}"
        for reference, places in manifests.every_image(objects).items()
        if lock.find(reference) is None
    ]
    what = f"the lock lacks images of chart {chart.reference}: {'; '.join(missing)}"
    return ParamsError(what, f"release of {chart.component}", _again(intent))


def _mirrored(reference: str, lock: Lock, intent: Intent) -> bool:
    place, _, digest = reference.partition("@")
    own = [one for one in lock.images() if one.digest == digest]
    return any(place == f"{registry(intent)}/{repository(intent, one)}:{one.tag}" for one in own)


def _again(intent: Intent) -> str:
    return f"run 'airgap mirror lock --env {intent.environment}' where there is internet, and keep the files in git"


def chart_file(root: Path, name: str, version: str) -> Path:
    """Return where the archive of a chart is kept."""
    return root / "params" / "charts" / f"{name}-{version}.tgz"


def _archive(root: Path, name: str, version: str, wanted: str) -> bytes:
    path = chart_file(root, name, version)
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        what = f"params/charts/{path.name} does not exist; the lock pins it as {wanted}"
        raise ParamsError(
            what, f"chart {name}", "run 'airgap mirror lock', which keeps the charts beside the params"
        ) from error
    if f"sha256:{digest(data)}" != wanted:
        what = f"params/charts/{path.name} is sha256:{digest(data)}, and the lock pins {wanted}"
        raise AirgapError(
            what, f"chart {name}", "take the file from git again; if it was meant to change, lock it anew"
        )
    return data


READS: dict[str, Callable[[Path, Intent, Mapping[str, Any]], dict[str, Any]]] = {
    LOCK: lambda root, intent, params: read_lock(root, intent),
    TEMPLATE: lambda root, intent, params: render(root, intent, params["release"]),
}
