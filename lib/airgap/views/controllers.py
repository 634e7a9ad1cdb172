"""What runs in the cluster: the releases with their images, what is walled in, and who can read Secrets."""

from __future__ import annotations

from typing import Any

from airgap.checks import cluster_secrets, running
from airgap.checks.cluster_secrets import BINDINGS, ROLES
from airgap.checks.running import NAMESPACES, PODS, POLICIES
from airgap.model.canonical import dig
from airgap.model.manifests import every_image
from airgap.views.look import Look, attempt
from airgap.views.table import LATER, Code, Mark, Table, not_read

TEMPLATE = "helm:Template"
RELEASE_READS = (TEMPLATE, PODS)
WALL_READS = (NAMESPACES, POLICIES, PODS)
SECRET_READS = (*ROLES, *BINDINGS)


def releases(look: Look) -> Table:
    """Return every image of every rendered release: where it is named, openly or hidden, and how many pods run it."""
    pods, reason = attempt(lambda: running.pods(look.intent, look.estate), [])
    counted: dict[str, int] = {}
    for _, pod in pods:
        for _, image, _ in running.running(pod):
            counted[_digest(image)] = counted.get(_digest(image), 0) + 1
    rows: list[tuple[Any, ...]] = []
    for _, page in look.estate.pages(TEMPLATE):
        for reference, places in every_image(page.get("objects") or []).items():
            hidden = sorted({one.origin for one in places if one.origin not in ("container", "init container")})
            digest = _digest(reference)
            named = Code(reference) if digest else Mark(f"{reference}: no digest", "✗", "bad")
            chart = f"{page['chart']['version']}"
            rows.append((page["release"], chart, named, ", ".join(hidden) or "openly", counted.get(digest, LATER)))
    note = f"What runs is {not_read(reason)}" if reason else ""
    return Table("Releases", ("release", "chart", "image", "where it stands", "containers running"), rows, note=note)


def _digest(image: str) -> str:
    return image.rpartition("@")[2] if "@" in image else ""


def walls(look: Look) -> Table:
    """Return every namespace of ours: its Pod Security level, and what its policies let in and out."""
    policies, reason = attempt(lambda: running.objects(look.estate, POLICIES), [])
    rows: list[tuple[Any, ...]] = []
    for _, one in running.namespaces(look.intent, look.estate):
        name = one["metadata"]["name"]
        level = (dig(one, "metadata.labels") or {}).get("pod-security.kubernetes.io/enforce")
        mark = Mark("restricted", "✓", "good") if level == "restricted" else Mark(str(level or "none"), "✗", "bad")
        own = sorted(each["metadata"]["name"] for each in policies if each["metadata"].get("namespace") == name)
        rows.append((name, mark, tuple(own) or not_read(reason) if reason else tuple(own)))
    return Table("Namespaces of ours", ("namespace", "Pod Security", "network policies"), rows)


def secrets(look: Look) -> Table:
    """Return who can read Secrets, by which bindings, and whether that is declared."""
    rows = [
        (
            name,
            tuple(bindings),
            Mark("declared", "✓", "good") if name in cluster_secrets.READERS else Mark("no", "✗", "bad"),
        )
        for name, (_, bindings) in cluster_secrets.subjects(look.intent, look.estate)
    ]
    return Table("Who can read Secrets", ("subject", "by", "declared"), rows)
