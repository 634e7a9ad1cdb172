"""The images of add-ons in AWS's own registry of a Region: there when an add-on is installed, open to every account."""

from __future__ import annotations

import json

from moto.utilities.utils import get_partition

from airgap.rehearsal.eks.addon_catalogue import images
from airgap.rehearsal.registry import samples
from airgap.rehearsal.registry.blobs import blobs, digest_of
from airgap.rehearsal.registry.private import Repositories
from airgap.rehearsal.wire import backend_of

_PULL = ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")


def publish(name: str, version: str, region: str) -> None:
    """Put the images of an add-on's version into AWS's registry, where they are not there yet."""
    for image in images(name, version, region):
        host, _, named = image.partition("/")
        repository, _, tag = named.partition(":")
        _push(host.partition(".")[0], region, repository, tag, f"{host}/{repository}")


def _push(account: str, region: str, repository: str, tag: str, full_name: str) -> None:
    backend, shelf = backend_of("ecr", account, region), Repositories(account, region)
    if repository not in backend.repositories:
        backend.create_repository(repository, account, {}, {}, "IMMUTABLE", [])
        arn = f"arn:{get_partition(region)}:ecr:{region}:{account}:repository/{repository}"
        statement = {"Effect": "Allow", "Principal": "*", "Action": list(_PULL), "Resource": arn}
        backend.repositories[repository].policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    if shelf.manifest(repository, tag) is not None:
        return
    for item in samples.image(full_name, tag):
        for content in item.contents:
            blobs().add(content)
            shelf.keep(repository, digest_of(content), len(content))
        shelf.put(repository, item.tag, item.manifest)
