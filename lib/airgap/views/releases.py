"""Each release against the cluster: which of its rendered objects are there, and where they differ, path by path."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from airgap.checks import running
from airgap.model.canonical import encode, plain
from airgap.model.kubernetes import APIS, comparable, differences, key_of
from airgap.model.plan import REFERENCE
from airgap.views.changes import spelt
from airgap.views.look import Look, attempt
from airgap.views.table import LATER, Code, Mark, Table, not_read

TEMPLATE = "helm:Template"
_NEVER_RENDERED = ("Secret", "Event", "Lease", "Pod", "Node", "ReplicaSet")
COMPARED = {kind: f"kubernetes:{api.operation}" for kind, api in APIS.items() if kind not in _NEVER_RENDERED}
READS = (TEMPLATE, *COMPARED.values())
SHOWN = 12
"""Differences of one release that are shown; the plan has all."""
LONGEST = 60
"""The length to which a value is shortened, in characters."""


def against_the_cluster(look: Look) -> Table:
    """Return a row for each release: its objects, how many are as rendered, and every path in which one differs."""
    rows = [_release(look, page) for _, page in look.estate.pages(TEMPLATE) if page.get("objects")]
    columns = ("release", "chart", "objects", "as rendered", "to be made", "differs")
    note = "What is known only once it exists, and certificates that are made in the cluster, are not compared."
    return Table("Releases against the cluster", columns, rows, note=note)


def _release(look: Look, page: Mapping[str, Any]) -> tuple[Any, ...]:
    objects = page["objects"]
    kinds = sorted({one["kind"] for one in objects})
    read = {kind: attempt(partial(running.objects, look.estate, COMPARED[kind]), []) for kind in kinds}
    head = (page["release"], str(page["chart"]["version"]), len(objects))
    if unread := sorted({reason for _, reason in read.values() if reason}):
        return (*head, "", "", tuple(not_read(reason) for reason in unread))
    live = {key_of(one): one for found, _ in read.values() for one in found}
    there = [(key_of(one), live[key_of(one)], one) for one in objects if key_of(one) in live]
    differing = {key: found for key, its, one in there if (found := _differing(its, one))}
    missing = len(objects) - len(there)
    cells = [
        f"{key}, {path}: {_told(before)} → {_told(after)}"
        for key, found in differing.items()
        for path, before, after in found
    ]
    return (*head, len(there) - len(differing), missing, _cell(cells, not there))


def _cell(differences: list[str], nothing_there: bool) -> Any:
    if nothing_there:
        return LATER
    if not differences:
        return Mark("nothing", "✓", "good")
    more = [f"and {len(differences) - SHOWN} more"] if len(differences) > SHOWN else []
    return (*map(Code, differences[:SHOWN]), *more)


def _differing(live: Mapping[str, Any], rendered: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    declared = {name: value for name, value in rendered.items() if name not in ("apiVersion", "kind")}
    found = differences(comparable(live, declared), declared)
    # A reference is known once what it refers to exists; the plan resolves it.
    return [one for one in found if not REFERENCE.search(encode(one[2]))]


def _told(value: Any) -> str:
    if value is None:
        return "nothing"
    text = spelt(value if isinstance(value, str) else encode(plain(value)))
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
