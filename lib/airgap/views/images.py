"""The mirror: what is locked, where it comes from, and whether the environment's registry has it by its digest."""

from __future__ import annotations

from airgap.checks.registry import left_behind
from airgap.model.estate import Estate
from airgap.model.intent import Intent
from airgap.model.mirror import Entry, Lock, registry, repositories
from airgap.model.signed_images import signed_by
from airgap.views.look import Look, attempt
from airgap.views.table import Code, Mark, Table, not_read

LOCK = "images:ReadLock"
LISTED, HELD = "ecr:DescribeRepositories", "ecr:DescribeImages"
READS = (LOCK, LISTED, HELD)
COLUMNS = ("image", "from", "digest", "platforms", "size", "signed", "for", "in the registry")
_UNITS = ("B", "kB", "MB", "GB", "TB")
_LATER = Mark("copied by apply", "…", "quiet")
_THERE = Mark("by its digest", "✓", "good")


def mirror(look: Look) -> Table:
    """Return a row for every image and chart of the lock."""
    lock = Lock.recorded(look.estate.page(LOCK))
    rows = []
    for name, entries in repositories(look.intent, lock.entries).items():
        for entry in entries:
            rows.append(
                (
                    Code(f"{name}:{entry.tag}"),
                    Code(entry.source),
                    Code(entry.digest),
                    entry.platforms or entry.kind,
                    size(entry.size),
                    _signed(entry, look.intent),
                    entry.component,
                    _state(look.estate, name, entry),
                )
            )
    total = size(sum(entry.size for entry in lock.entries))
    note = f"{len(rows)} images and charts, {total}, in {registry(look.intent)}"
    return Table("Mirror", COLUMNS, rows, note=note)


def size(count: int) -> str:
    """Return a number of bytes as people read it.

    >>> size(1_234_000)
    '1.2 MB'
    """
    amount, unit = float(count), 0
    while amount >= 1000 and unit < len(_UNITS) - 1:
        amount, unit = amount / 1000, unit + 1
    return f"{amount:.1f} {_UNITS[unit]}" if unit else f"{count} B"


def _signed(entry: Entry, intent: Intent) -> Mark:
    """Who signed it with an approved key; where the params approve none, whether a signature is carried at all."""
    signatures = [one for one in entry.signatures if ".sig@" in one or "signature" in one or "sigstore" in one]
    rest = len(entry.signatures) - len(signatures)
    more = f", {rest} more attached" if rest else ""
    if intent.images.signers:
        found = signed_by(entry, intent.images.signers)
        return Mark(f"by {found.by}{more}", "✓", "good") if found.by else Mark(found.why, "✗", "bad")
    return Mark(f"carried, not judged{more}", "–", "quiet") if signatures else Mark(f"no{more}", "–", "quiet")


def _state(estate: Estate, name: str, entry: Entry) -> Mark:
    listed, reason = attempt(lambda: estate.items(LISTED, "repositories"))
    if reason:
        return not_read(reason)
    if name not in [one["repositoryName"] for one in listed]:
        return _LATER
    page, reason = attempt(lambda: estate.page(HELD, repositoryName=name))
    if reason:
        return not_read(reason)
    held = {tag: one["imageDigest"] for one in page["imageDetails"] for tag in one.get("imageTags") or []}
    if entry.tag not in held:
        return _LATER
    if held[entry.tag] != entry.digest:
        return Mark(f"the tag names {held[entry.tag]}", "✗", "bad")
    missing = left_behind(entry, {one["imageDigest"]: one for one in page["imageDetails"]})
    return Mark(f"without {len(missing)} of {len(entry.signatures)} attached", "✗", "bad") if missing else _THERE
