"""ECR's registries, ``ACCOUNT.dkr.ecr.REGION.amazonaws.com``, on the very images that ECR's API lists.

The password is a token of ``GetAuthorizationToken`` and stands for whoever asked for it, for twelve hours. Repositories
are not made by pushing to them. https://docs.aws.amazon.com/AmazonECR/latest/userguide/registry_auth.html
"""

from __future__ import annotations

import base64
import re
import secrets
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any

from moto.ecr.models import Image
from moto.utilities.utils import get_partition

from airgap.rehearsal.face_listener import Dropped
from airgap.rehearsal.faces import Answered, Asked
from airgap.rehearsal.identity import ACCOUNT, REGION, Caller
from airgap.rehearsal.registry import layers, rights
from airgap.rehearsal.registry.protocol import INDEXES, Manifest, Request, requested
from airgap.rehearsal.registry.refusing import RegistryError
from airgap.rehearsal.registry.striking import called, recorded, strike
from airgap.rehearsal.store import MOTO, store, stores
from airgap.rehearsal.wire import backend_of

TOKEN_SECONDS = 12 * 3600
HOST = re.compile(r"(\d{12})\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?")


@dataclass(frozen=True)
class Token:
    """A registry token: who asked for it, and until when it is good (seconds since the epoch)."""

    caller: Caller
    until: float


def issue(caller: Caller, region: str) -> tuple[str, float]:
    """Return a password for the registries of a Region, and when it expires (seconds since the epoch)."""
    password = base64.b64encode(secrets.token_bytes(96)).decode()
    token = Token(caller, time.time() + TOKEN_SECONDS)
    store(caller.account, region, "ecr").settings.setdefault("tokens", {})[password] = token
    return password, token.until


def place(host: str) -> tuple[str, str]:
    """Return (account, Region) of a registry's host name; the unnamed one is the default person's."""
    found = HOST.fullmatch(host)
    return (found[1], found[2]) if found else (ACCOUNT, REGION)


def answer(asked: Asked) -> Answered:
    """Answer one request of the registry protocol."""
    account, region = place(asked.host)
    try:
        caller = _caller(asked, region)
        if asked.path in ("/v2", "/v2/"):
            return Answered(200, {"Docker-Distribution-Api-Version": "registry/2.0"}, b"{}")
        found = requested(asked)
        if found is None:
            raise RegistryError(404, "UNSUPPORTED", "The operation is unsupported")
        request, handler = found
        call = called(request.operation, region, caller, asked.headers.get("User-Agent", ""))
        with recorded(call):
            twist = strike(call, f"{asked.host}/{request.repository}")
            _permitted(request, caller, account, region)
            given = handler(Repositories(account, region), request, twist)
    except RegistryError as error:
        return error.answered()
    if twist == "DropResponse":
        raise Dropped
    return given


def _caller(asked: Asked, region: str) -> Caller:
    """Return who asked for the token that the request carries; RegistryError where it carries none, or an old one."""
    scheme, _, credentials = (asked.headers.get("Authorization") or "").partition(" ")
    challenge = {"Www-Authenticate": f'Basic realm="https://{asked.host}/",service="ecr.amazonaws.com"'}
    unauthorized = RegistryError(401, "UNAUTHORIZED", "Not Authorized", challenge)
    if scheme.lower() != "basic":
        raise unauthorized
    try:
        user, _, password = base64.b64decode(credentials, validate=True).decode().partition(":")
    except ValueError:
        raise unauthorized from None
    token = _token(password, region) if user == "AWS" else None
    if token is None:
        raise unauthorized
    if token.until < time.time():
        raise RegistryError(403, "DENIED", "Your authorization token has expired. Reauthenticate and try again.")
    return token.caller


def _token(password: str, region: str) -> Token | None:
    for (_, where, service), kept in stores().items():
        if service == "ecr" and where == region and password in kept.settings.get("tokens", {}):
            found: Token = kept.settings["tokens"][password]
            return found
    return None


def _permitted(request: Request, caller: Caller, account: str, region: str) -> None:
    action = f"ecr:{request.operation}"
    with MOTO:
        good = rights.allowed(caller, action, account, region, request.repository)
    if not good:
        partition = get_partition(region)
        arn = f"arn:{partition}:ecr:{region}:{account}:repository/{request.repository}"
        message = f"User: {caller.arn(partition)} is not authorized to perform: {action} on resource: {arn}"
        raise RegistryError(403, "DENIED", message)


class Repositories:
    """The repositories of one account and Region: moto's, with the layers' bytes kept beside them."""

    def __init__(self, account: str, region: str) -> None:
        self.account, self.region = account, region

    def _repository(self, name: str) -> Any:
        found = backend_of("ecr", self.account, self.region).repositories.get(name)
        if found is None:
            message = f"The repository with name '{name}' does not exist in the registry with id '{self.account}'"
            raise RegistryError(404, "NAME_UNKNOWN", message)
        return found

    def manifest(self, repository: str, reference: str) -> Manifest | None:
        """Return what a tag or digest names, None where nothing does."""
        with MOTO:
            for image in self._repository(repository).images:
                if reference == image.image_digest or reference in image.image_tags:
                    return _manifest(image)
        return None

    def manifests(self, repository: str) -> list[Manifest]:
        """Return all manifests."""
        with MOTO:
            return [_manifest(image) for image in self._repository(repository).images]

    def put(self, repository: str, tag: str | None, manifest: Manifest) -> None:
        """Keep a manifest; an immutable tag that is there is refused, whatever it names."""
        with MOTO:
            held = self._repository(repository)
            before = next((image for image in held.images if tag and tag in image.image_tags), None)
            if before is not None and _immutable(held, str(tag)):
                message = (
                    f"The image tag '{tag}' already exists in the '{repository}' repository and cannot be overwritten "
                    "because the tag is immutable."
                )
                raise RegistryError(400, "TAG_INVALID", message)
            image = next((one for one in held.images if one.image_digest == manifest.digest), None)
            if image is None:
                text = manifest.body.decode()
                image = Image(self.account, None, text, repository, manifest.media_type, manifest.digest)
                held.images.append(image)
                _scan(held, image)
            if before is not None and before is not image:
                before.remove_tag(tag)
            if tag:
                image.update_tag(tag)

    def size(self, repository: str, digest: str) -> int | None:
        """Return the size of a layer, None where the repository does not have it."""
        with MOTO:
            found: int | None = self._repository(repository).layers.get(digest)
            return found

    def keep(self, repository: str, digest: str, size: int) -> None:
        """Note that the repository has a layer."""
        with MOTO:
            self._repository(repository).layers[digest] = size

    def mountable(self, source: str, target: str, digest: str) -> int | None:
        """Layers are shared where the account says so, and both repositories are encrypted alike."""
        with MOTO:
            shared = store(self.account, self.region, "ecr").settings.get("BLOB_MOUNTING", "DISABLED") == "ENABLED"
            held = backend_of("ecr", self.account, self.region).repositories
            alike = source in held and held[source].encryption_configuration == (
                self._repository(target).encryption_configuration
            )
            return self.size(source, digest) if shared and alike else None

    def tags(self, repository: str) -> list[str]:
        """Return all tags."""
        with MOTO:
            return [tag for image in self._repository(repository).images for tag in image.image_tags]

    def layer_url(self, repository: str, digest: str, twist: str) -> str:
        """Return a signed address in the Region's bucket of layers."""
        host = f"prod-{self.region}-starport-layer-bucket.s3.{self.region}.amazonaws.com"
        return layers.url(host, f"{self.account}/{repository}/{digest}", digest, twist)


def _manifest(image: Any) -> Manifest:
    return Manifest(image.image_digest, image.image_manifest_media_type or "", image.image_manifest.encode())


def _immutable(repository: Any, tag: str) -> bool:
    """Exclusion filters turn a repository's rule around for the tags that they match."""
    excluded = any(fnmatchcase(tag, one["filter"]) for one in repository.image_tag_mutability_exclusion_filters or ())
    return str(repository.image_tag_mutability).rpartition(".")[2].startswith("IMMUTABLE") != excluded


def _scan(repository: Any, image: Any) -> None:
    """Basic scanning looks at images as they are pushed where the repository says so; never at indexes."""
    if repository.image_scanning_configuration.get("scanOnPush") and image.image_manifest_media_type not in INDEXES:
        image.last_scan = datetime.now(UTC).replace(tzinfo=None)
