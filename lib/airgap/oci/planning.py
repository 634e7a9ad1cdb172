"""What a copy would do, and why, without doing it: one row for each entry of the lock."""

from __future__ import annotations

from dataclasses import dataclass

from airgap.errors import TagTaken
from airgap.model.mirror import Entry
from airgap.oci.copying import Target, state, wanted
from airgap.oci.lockfile import attached, signed

COPY, DONE, TAKEN = "copy", "done", "taken"


@dataclass(frozen=True)
class Row:
    """One entry: where to, what would be done (copy, done, taken), why, and bytes at most (0 where nothing is done)."""

    source: str
    target: str
    digest: str
    action: str
    why: str
    size: int
    signed: bool
    signer: str = ""


def row(entry: Entry, target: Target, signer: str = "") -> Row:
    """Return what copying an entry, signed by somebody whose key is approved or by nobody, into a target would do."""
    action, why = _judged(entry, target)
    size = entry.size if action == COPY else 0
    return Row(entry.reference, f"{target}:{entry.tag}", entry.digest, action, why, size, signed(entry), signer)


def _judged(entry: Entry, target: Target) -> tuple[str, str]:
    try:
        found = state(entry, target)
    except TagTaken as error:
        return TAKEN, error.what
    if found == wanted(entry):
        return DONE, "its tag names this digest, and everything that refers to it is there"
    if found[entry.tag]:
        missing = sum(not digest for digest in found.values())
        return COPY, f"{missing} of {len(attached(entry))} signatures and other referrers are missing"
    if target.digest(entry.digest):
        return COPY, "the image is there without its tag: a copy was interrupted"
    return COPY, "the mirror does not have it"
