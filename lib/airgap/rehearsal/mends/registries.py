"""ECR: digests are those of manifests, layers keep their bytes, and tokens open the registry for twelve hours."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any

from moto.ecr.models import Image

from airgap.rehearsal.hook import after, answers, before
from airgap.rehearsal.registry.blobs import blobs, digest_of
from airgap.rehearsal.registry.private import Repositories, issue
from airgap.rehearsal.registry.protocol import INDEXES, Manifest, Shelf, absent, referrers
from airgap.rehearsal.registry.refusing import RegistryError
from airgap.rehearsal.store import store
from airgap.rehearsal.wire import Call, Refusal

# How the API calls what the registry protocol refuses.
_CODES = {"NAME_UNKNOWN": "RepositoryNotFoundException", "TAG_INVALID": "ImageTagAlreadyExistsException"}


def _size(self: Any) -> int | None:
    """The layers of an image, compressed, as ECR counts them; an index has no size."""
    document = json.loads(self.image_manifest)
    named = [document.get("config", {}), *document.get("layers", [])]
    return sum(one.get("size", 0) for one in named) if "layers" in document else None


def _digest(self: Any) -> None:
    self._image_digest = digest_of(self.image_manifest.encode())


Image.get_image_size_in_bytes = _size
Image._create_digest = _digest


def _shelf(call: Call) -> Repositories:
    return Repositories(call.get("registryId", call.account), call.region)


@after("ecr", "GetAuthorizationToken")
def token(call: Call, result: dict[str, Any]) -> None:
    """Hand out a token that stands for the caller."""
    suffix = "amazonaws.com.cn" if call.partition == "aws-cn" else "amazonaws.com"
    for data in result["authorizationData"]:
        account = data["proxyEndpoint"].removeprefix("https://").partition(".")[0]
        password, until = issue(call.caller, call.region)
        data["authorizationToken"] = base64.b64encode(f"AWS:{password}".encode()).decode()
        data["expiresAt"] = datetime.fromtimestamp(until, UTC)
        data["proxyEndpoint"] = f"https://{account}.dkr.ecr.{call.region}.{suffix}"


@before("ecr", "CompleteLayerUpload")
def keep_layer(call: Call) -> None:
    """The layer is what its digest says, and its bytes stay."""
    held = call.backend("ecr").repositories.get(call.get("repositoryName"))
    upload = held.uploads.get(call.get("uploadId")) if held else None
    if upload is None:
        return
    digest, named = digest_of(bytes(upload.layer_parts)), call.get("layerDigests", [])
    if named and digest not in named:
        message = f"Layer digest mismatch: Specified '{named[0]}', Calculated '{digest}'"
        raise Refusal("InvalidLayerException", message)
    blobs().add(bytes(upload.layer_parts))


@answers("ecr", "PutImage")
def put_image(call: Call) -> dict[str, Any]:
    """Put an image whose layers are there; the same image under the same tag again is refused, as ECR does."""
    shelf, name, tag = _shelf(call), call.get("repositoryName"), call.get("imageTag")
    body = call.get("imageManifest", "").encode()
    try:
        document = json.loads(body)
    except ValueError as error:
        raise Refusal("InvalidParameterException", "Invalid JSON syntax in 'imageManifest'") from error
    media_type = call.get("imageManifestMediaType") or document.get("mediaType")
    if not media_type:
        raise Refusal("InvalidParameterException", "The media type of the manifest is not given")
    manifest = Manifest(digest_of(body), media_type, body)
    if call.get("imageDigest", manifest.digest) != manifest.digest:
        raise Refusal("ImageDigestDoesNotMatchException", "The digest is not that of the manifest")
    try:
        _put(shelf, name, tag, manifest, document)
    except RegistryError as error:
        raise Refusal(_CODES.get(error.code, "InvalidParameterException"), error.message) from error
    identity = {"imageDigest": manifest.digest, **({"imageTag": tag} if tag else {})}
    image = {"registryId": shelf.account, "repositoryName": name, "imageId": identity}
    return {"image": {**image, "imageManifest": body.decode(), "imageManifestMediaType": media_type}}


def _put(shelf: Repositories, name: str, tag: str | None, manifest: Manifest, document: dict[str, Any]) -> None:
    there = shelf.manifest(name, tag or manifest.digest)
    if there is not None and there.digest == manifest.digest:
        message = f"Image with digest '{there.digest}' and tag '{tag}' already exists in the repository '{name}'"
        raise Refusal("ImageAlreadyExistsException", message)
    lacking = absent(shelf, name, document, manifest.media_type)
    if lacking:
        index = manifest.media_type in INDEXES
        code = "ReferencedImagesNotFoundException" if index else "LayersNotFoundException"
        raise Refusal(code, f"'{', '.join(lacking)}' do not exist in the repository '{name}'")
    shelf.put(name, tag, manifest)


@after("ecr", "DescribeImages")
def details(call: Call, result: dict[str, Any]) -> None:
    """An image says what kind of artifact it is, of what it speaks, and whether it was scanned."""
    held = call.backend("ecr").repositories[call.get("repositoryName")]
    by_digest = {image.image_digest: image for image in held.images}
    for detail in result["imageDetails"]:
        image = by_digest[detail["imageDigest"]]
        document = json.loads(image.image_manifest)
        kind = document.get("artifactType") or document.get("config", {}).get("mediaType")
        detail["imageStatus"] = "ACTIVE"
        if kind:
            detail["artifactMediaType"] = kind
        if "subject" in document:
            detail["subjectManifestDigest"] = document["subject"]["digest"]
        if image.last_scan:
            scanned = {"status": "COMPLETE", "description": "The scan was completed successfully."}
            detail["imageScanStatus"] = scanned
            detail["imageScanFindingsSummary"] = {"findingSeverityCounts": {}}


@answers("ecr", "GetDownloadUrlForLayer")
def layer_address(call: Call) -> dict[str, Any]:
    """Return a signed address of a layer's bytes."""
    shelf, name, digest = _shelf(call), call.get("repositoryName"), call.get("layerDigest")
    try:
        size = shelf.size(name, digest)
    except RegistryError as error:
        raise Refusal("RepositoryNotFoundException", error.message) from error
    if size is None:
        raise Refusal("LayerInaccessibleException", f"Layer '{digest}' is not in the repository '{name}'")
    return {"downloadUrl": shelf.layer_url(name, digest, ""), "layerDigest": digest}


@answers("ecr", "ListImageReferrers")
def image_referrers(call: Call) -> dict[str, Any]:
    """Return what refers to an image: signatures, SBOMs, attestations."""
    shelf: Shelf = _shelf(call)
    kinds = call.get("filter", {}).get("artifactTypes")
    try:
        found = list(referrers(shelf, call.get("repositoryName"), call.get("subjectId", {}).get("imageDigest", "")))
    except RegistryError as error:
        raise Refusal("RepositoryNotFoundException", error.message) from error
    return {
        "referrers": [{**one, "artifactStatus": "ACTIVE"} for one in found if not kinds or one["artifactType"] in kinds]
    }


@answers("ecr", "GetAccountSetting")
def setting(call: Call) -> dict[str, Any]:
    """Return a setting of the registry."""
    defaults = {"BASIC_SCAN_TYPE_VERSION": "AWS_NATIVE", "REGISTRY_POLICY_SCOPE": "V2", "BLOB_MOUNTING": "DISABLED"}
    name = call.get("name")
    if name not in defaults:
        raise Refusal("InvalidParameterException", f"Invalid setting name '{name}'")
    value = store(call.account, call.region, "ecr").settings.get(name, defaults[name])
    return {"name": name, "value": value}


@answers("ecr", "PutAccountSetting")
def put_setting(call: Call) -> dict[str, Any]:
    """Set a setting of the registry."""
    setting(call)
    store(call.account, call.region, "ecr").settings[call.get("name")] = call.get("value")
    return {"name": call.get("name"), "value": call.get("value")}
