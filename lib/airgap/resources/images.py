"""Images and charts of the lock in the environment's registry, copied by digest with all that refers to them.

A copy is one write, ``oci:Copy``; the copier makes it by the registry protocol (``airgap.oci``). A tag that is there
names its image for good, so one that names another is a finding and no change.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from airgap.model.estate import Estate
from airgap.model.intent import Intent
from airgap.model.mirror import Entry, repositories
from airgap.model.plan import Desired, ref
from airgap.model.reading import FIXED, NEVER, Field, Reading
from airgap.model.signed_images import signed_by
from airgap.resources import repositories as places
from airgap.resources.kind import Call, Declaration, Fields, Kind, declares
from airgap.resources.repositories import LOCK, locked
from airgap.resources.rights import PUSH
from airgap.resources.statements import named

COPY = "oci:Copy"


def _copied(f: Fields) -> dict[str, Any]:
    return {"repository": f["repository"], "entry": f["entry"]}


IMAGE = Kind(
    "image",
    "Mirrored image or chart",
    Reading(
        "ecr:DescribeImages",
        "imageDetails.imageTags",
        "^.repositoryName+@",
        owner="parent",
        natural=("repository", "tag"),
        # Signatures have tags of this form, and come and go with what they sign.
        unless=(("@", "sha256-*"),),
        fields={
            "repository": Field("^.repositoryName", change=NEVER, why="an image is a part of its repository"),
            "tag": Field("@", change=NEVER, why="a tag is its name"),
            "digest": Field("^.imageDigest", change=FIXED, why="the tag names another image, and a tag never moves"),
        },
    ),
    create=(Call(COPY, _copied, actions=("ecr:GetAuthorizationToken", *named(PUSH))),),
)


@declares(IMAGE, reads=(LOCK,))
def declare(intent: Intent, facts: Estate) -> Iterator[Desired]:
    """Yield every image and chart of the lock, in the repository that is its own."""
    for name, entries in repositories(intent, locked(intent, facts).entries).items():
        for entry in entries:
            yield _desired(name, entry, intent)


def _desired(repository: str, entry: Entry, intent: Intent) -> Desired:
    fields = {
        "repository": ref(f"repository:{repository}"),
        "tag": entry.tag,
        "digest": entry.digest,
        # The whole entry is part of what is approved; of the registry only its tag and digest are read.
        "entry": entry.as_data(),
    }
    signed = signed_by(entry, intent.images.signers)
    who = f", signed by {signed.by}" if signed.by else f"; {signed.why}" if intent.images.signers else ""
    return Desired("image", entry.reference, fields, why=f"{entry.kind} for {entry.component}{who}")


IMAGES: tuple[Declaration, ...] = (places.declare, declare)
"""Step ``images``: repositories, then what is in them."""
