"""Locking: what the charts render and the params add, resolved to digests where there is internet.

The lock and the charts that it pins stand beside the params; whoever reviews them reviews what gets in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from airgap.errors import ParamsError
from airgap.evidence.files import write_whole
from airgap.model.intent import Intent
from airgap.model.manifests import every_image
from airgap.model.mirror import Entry, Lock, repository
from airgap.oci.lockfile import text_of
from airgap.oci.mirror import Mirror
from airgap.oci.reference import Reference
from airgap.resources import releases
from airgap.run import pinned

Progress = Callable[[str, str], None]


def lock(root: Path, intent: Intent, mirror: Mirror, progress: Progress) -> Lock:
    """Resolve everything that the charts and the params name, and keep the lock and the charts beside the params.

    Nothing is written where one of them cannot be had.
    """
    charts = mirror.resolve(_charts(intent))
    archives: dict[str, bytes] = {}
    for entry in charts.entries:
        progress(entry.reference, f"chart {entry.digest}")
        archives[entry.component] = mirror.archive(entry)
    wanted = named(intent, archives)
    images = mirror.resolve({one: ", ".join(sorted(components)) for one, components in wanted.items()})
    for entry in images.entries:
        progress(entry.reference, f"{len(entry.platforms)} platforms, {entry.digest}")
    whole = Lock(tuple(sorted((*charts.entries, *images.entries), key=lambda one: (one.source, one.tag))))
    _places_differ(intent, whole)
    for entry in charts.entries:
        file = pinned.chart_file(root, entry.source.rpartition("/")[2], entry.tag)
        write_whole(file, archives[entry.component])
    write_whole(pinned.lock_file(root, intent.environment), text_of(whole))
    return whole


def _charts(intent: Intent) -> dict[str, str]:
    """Return the chart of every release with its component; ParamsError where the params name none."""
    found = {}
    for release in releases.every(intent):
        if release.component not in intent.images.charts:
            what = f"images.charts names no chart of component {release.component}"
            raise ParamsError(what, "the lock", f"add {release.component}: registry/repository:version")
        found[intent.images.charts[release.component]] = release.component
    return found


def named(intent: Intent, archives: Mapping[str, bytes]) -> dict[str, set[str]]:
    """Return every image that the charts render and the params add, each with the components that name it.

    ``archives`` are charts by component.
    """
    found: dict[str, set[str]] = {}
    for release in releases.every(intent):
        values = releases.source_values(release, intent)
        objects = pinned.rendered(archives[release.component], release, intent, values)
        for reference in every_image(objects):
            found.setdefault(str(Reference.parse(reference)), set()).add(release.component)
    for reference in intent.images.extra:
        found.setdefault(str(Reference.parse(reference)), set()).add("application")
    return found


def _places_differ(intent: Intent, whole: Lock) -> None:
    """Two images must not want one tag of one repository."""
    taken: dict[tuple[str, str], Entry] = {}
    for entry in whole.entries:
        other = taken.setdefault((repository(intent, entry), entry.tag), entry)
        if other.digest != entry.digest:
            what = f"{other.reference} and {entry.reference} are both mirrored as {repository(intent, entry)}"
            raise ParamsError(what, "the lock", "mirror one of them under another tag, or take one out")
