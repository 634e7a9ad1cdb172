"""The registry's pages for the views: the lock and nothing of it there, and all of it copied."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from airgap.model.intent import Intent
from airgap.model.mirror import Lock, repositories

Pages = dict[tuple[str, str], Any]
LOCK: dict[str, Any] = json.loads((Path(__file__).parents[2] / "params" / "demo.images.json").read_text())


def none(intent: Intent) -> Pages:
    """The lock was read, and the registry has no repository to ask about."""
    return {("images:ReadLock", "{}"): LOCK, ("ecr:DescribeImages", "{}"): None}


def deployed(intent: Intent) -> Pages:
    """Each entry of the lock in its repository."""
    places = repositories(intent, Lock.from_data(LOCK).entries)
    pages: Pages = {
        ("ecr:DescribeImages", json.dumps({"repositoryName": name})): {
            "imageDetails": [
                *({"repositoryName": name, "imageDigest": one.digest, "imageTags": [one.tag]} for one in entries),
                *(
                    {"repositoryName": name, "imageDigest": each.rpartition("@")[2]}
                    for one in entries
                    for each in one.signatures
                ),
            ]
        }
        for name, entries in places.items()
    }
    return {**pages, ("ecr:DescribeRepositories", "{}"): {"repositories": [{"repositoryName": one} for one in places]}}
