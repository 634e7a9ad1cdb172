"""ECR: what an index names cannot be deleted while the index is there, and an image goes with its last tag.

https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_ImageFailure.html
"""

from __future__ import annotations

import json
from typing import Any

from airgap.rehearsal.hook import PassOn, after, answers
from airgap.rehearsal.wire import Call

_SAMPLE = "CVE-9999-9999"


@answers("ecr", "BatchDeleteImage")
def delete_images(call: Call) -> dict[str, Any] | PassOn:
    """Delete images by digest, or tags with the images that have no other."""
    held = call.backend("ecr").repositories.get(call.get("repositoryName"))
    if held is None:
        return PassOn.TO_MOTO
    deleted: list[dict[str, str]] = []
    failures: list[dict[str, Any]] = []
    for asked in call.get("imageIds", []):
        image = next((one for one in held.images if _meant(one, asked)), None)
        indexes = _indexes(held, image.image_digest) if image else []
        if image is None:
            failures.append(_failure(asked, "ImageNotFound", "Requested image not found"))
        elif indexes and "imageTag" not in asked:
            reason = f"Requested image referenced by manifest list: [{', '.join(indexes)}]"
            failures.append(_failure(asked, "ImageReferencedByManifestList", reason))
        else:
            deleted += _delete(held, image, asked.get("imageTag"), bool(indexes))
    return {"imageIds": deleted, "failures": failures}


def _meant(image: Any, asked: dict[str, str]) -> bool:
    digest, tag = asked.get("imageDigest"), asked.get("imageTag")
    named = digest is not None or tag is not None
    return named and digest in (None, image.image_digest) and (tag is None or tag in image.image_tags)


def _indexes(held: Any, digest: str) -> list[str]:
    """Return the digests of the indexes that name an image."""
    named = ((one.image_digest, json.loads(one.image_manifest).get("manifests", [])) for one in held.images)
    return [index for index, children in named if any(child["digest"] == digest for child in children)]


def _delete(held: Any, image: Any, tag: str | None, needed: bool) -> list[dict[str, str]]:
    tags = [tag] if tag else list(image.image_tags)
    for one in tags:
        image.remove_tag(one)
    if not (needed or image.image_tags):
        held.images.remove(image)
    return [{"imageDigest": image.image_digest, "imageTag": one} for one in tags] or [
        {"imageDigest": image.image_digest}
    ]


def _failure(asked: dict[str, str], code: str, reason: str) -> dict[str, Any]:
    return {"imageId": dict(asked), "failureCode": code, "failureReason": reason}


@after("ecr", "DescribeImageScanFindings")
def findings(call: Call, result: dict[str, Any]) -> None:
    """A scan finds what a rehearsal told moto that it finds, and not moto's sample."""
    found = result.get("imageScanFindings", {})
    kept = [one for one in found.get("findings", []) if one.get("name") != _SAMPLE]
    if len(kept) != len(found.get("findings", [])):
        found["findings"], found["findingSeverityCounts"] = kept, {}
