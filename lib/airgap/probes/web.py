"""Requests of HTTP: the entry and its firewall, buckets behind an endpoint, the metadata service, a pull by digest.

Sources: EC2 User Guide, "Use IMDSv2"; IAM User Guide, "Signature Version 4"; OCI Distribution Specification, "Pull".
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from airgap.probes.names import connect
from airgap.probes.secure import secured

MOST = 8 << 20
"""Bytes of an answer that are read at most."""
METADATA = {"to": "169.254.169.254", "port": 80}
MANIFESTS = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, " \
            "application/vnd.docker.distribution.manifest.list.v2+json, " \
            "application/vnd.docker.distribution.manifest.v2+json"  # fmt: skip


def request(probe: Mapping[str, Any], given: str | None, authorities: Mapping[str, str],
            body: bytes = b"") -> tuple[int, dict[str, str], bytes]:  # fmt: skip
    """Ask ``path`` by ``method`` with ``headers``, over TLS unless ``clear``; return status, headers and body.

    What is asked is sent as it stands, since an attack is not well-formed. Raises ``ValueError`` for no HTTP.
    """
    opened = connect(probe, given) if probe.get("clear") else secured(probe, given, authorities)
    headers = {"Host": probe.get("server") or probe["to"], "User-Agent": "airgap", "Content-Length": str(len(body)),
               **(probe.get("headers") or {}), "Connection": "close"}  # fmt: skip
    lines = [
        f"{probe.get('method', 'GET')} {probe.get('path', '/')} HTTP/1.1",
        *(f"{k}: {v}" for k, v in headers.items()),
    ]
    data = b""
    with opened as one:
        one.sendall("\r\n".join([*lines, "", ""]).encode() + body)
        with contextlib.suppress(ConnectionResetError):
            while len(data) < MOST and (more := one.recv(65536)):
                data += more
                if _whole(data):
                    break
    return _parsed(data)


def _whole(data: bytes) -> bool:
    """Tell whether an answer of known length is there; one without a length ends with its connection."""
    head, blank, rest = data.partition(b"\r\n\r\n")
    sizes = [line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    return bool(blank and sizes and len(rest) >= int(sizes[0]))


def _parsed(data: bytes) -> tuple[int, dict[str, str], bytes]:
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    words = first.split()
    if len(words) < 2 or not words[0].startswith("HTTP/") or not words[1].isdigit():
        raise ValueError(f"no answer of HTTP but {first[:60]!r}")
    headers = {name.strip().lower(): value.strip() for name, _, value in (one.partition(":") for one in lines)}
    if headers.get("transfer-encoding", "").lower() == "chunked":
        body = _joined(body)
    return int(words[1]), headers, body


def _joined(body: bytes) -> bytes:
    found = b""
    while body:
        size, _, body = body.partition(b"\r\n")
        length = int(size.split(b";")[0], 16)
        if not length:
            break
        found, body = found + body[:length], body[length + 2 :]
    return found


def http(probe: Mapping[str, Any], given: str | None, authorities: Mapping[str, str]) -> tuple[str, str]:
    """Make one request: 401 and 403 refuse, and a redirection to HTTPS refuses plain text; 5xx and 400 say nothing."""
    try:
        status, headers, body = request(probe, given, authorities)
    except ValueError as error:
        return "broken", str(error)
    where = headers.get("location", "")
    if probe.get("clear") and 300 <= status < 400:
        return ("refused" if where.startswith("https://") else "answered"), f"{status} {where}"
    if status in (401, 403):
        return "refused", f"{status} {_reason(body)}".strip()
    known = status < 400 or status in (404, 405)
    return ("answered" if known else "broken"), f"{status} {headers.get('server', '')}".strip()


def _reason(body: bytes) -> str:
    """Return the message of an error of S3, empty where it is none."""
    text = body.decode("utf-8", "replace")
    return text.partition("<Message>")[2].partition("</Message>")[0][:120]


def metadata(probe: Mapping[str, Any], given: str | None, _: Mapping[str, str]) -> tuple[str, str]:
    """Ask the instance metadata service: by its second version for a session token, by its first for the instance."""
    second = probe.get("version", 2) == 2
    token = {"method": "PUT", "path": "/latest/api/token", "headers": {"X-aws-ec2-metadata-token-ttl-seconds": "60"}}
    first = {"path": "/latest/meta-data/instance-id"}
    try:
        status, _headers, _body = request({**probe, **(token if second else first), "clear": True}, given, {})
    except ValueError as error:
        return "broken", str(error)
    return ("answered" if status == 200 else "refused"), f"{status}"


def pull(probe: Mapping[str, Any], given: str | None, authorities: Mapping[str, str]) -> tuple[str, str]:
    """Pull a manifest, and the configuration that it names, by digest; ``token`` is ``ecr`` or none at all.

    The token is asked of ECR with the instance's own credentials, and leaves the host for the registry alone.
    """
    headers = {"Accept": MANIFESTS}
    try:
        if probe.get("token") == "ecr":
            headers["Authorization"] = "Basic " + _ecr_token(probe, given, authorities)
        found = _blob(probe, headers, "manifests", probe["digest"], given, authorities)
        if not isinstance(found, bytes):
            return found
        config = json.loads(found).get("config")
        held = _blob(probe, headers, "blobs", config["digest"], given, authorities) if config else b""
    except (ValueError, KeyError) as error:
        return "broken", f"{type(error).__name__}: {error}"
    if not isinstance(held, bytes):
        return held
    return "answered", f"{len(found) + len(held)} bytes that have their digests"


def _blob(probe: Mapping[str, Any], headers: Mapping[str, str], what: str, digest: str, given: str | None,
          authorities: Mapping[str, str]) -> bytes | tuple[str, str]:  # fmt: skip
    """Return content that has its digest, or why there is none; a redirection is followed once, without the token."""
    asked = {**probe, "path": f"/v2/{probe['repository']}/{what}/{digest}", "headers": dict(headers)}
    status, told, body = request(asked, given, authorities)
    if status in (302, 307):
        url = urlsplit(told.get("location", ""))
        away = {"to": url.hostname or "", "port": url.port or 443, "path": f"{url.path}?{url.query}"}
        status, told, body = request(away, given, authorities)
    if status in (401, 403, 404):
        return "refused", f"{status}"
    if status != 200:
        return "broken", f"{status}"
    if "sha256:" + hashlib.sha256(body).hexdigest() != digest:
        return "broken", "the bytes have another digest"
    return body


def _ecr_token(probe: Mapping[str, Any], given: str | None, authorities: Mapping[str, str]) -> str:
    """Return ECR's token; ``ValueError`` where the instance has no credentials, or its role may not pull."""
    put = {**METADATA, "clear": True, "method": "PUT", "path": "/latest/api/token",
           "headers": {"X-aws-ec2-metadata-token-ttl-seconds": "60"}}  # fmt: skip
    _, _, token = request(put, given, {})
    path, held = "/latest/meta-data/iam/security-credentials/", {"X-aws-ec2-metadata-token": token.decode("latin-1")}
    _, _, role = request({**METADATA, "clear": True, "path": path, "headers": held}, given, {})
    own = {**METADATA, "clear": True, "path": path + role.decode("latin-1").split("\n")[0], "headers": held}
    keys = json.loads(request(own, given, {})[2])
    host, region = f"api.ecr.{probe['region']}.{probe['suffix']}", probe["region"]
    asked = {"to": host, "port": 443, "method": "POST", "headers": signed(keys, host, region, b"{}")}
    status, _, body = request(asked, given, authorities, b"{}")
    if status != 200:
        raise ValueError(f"this host's role gets no token of ECR ({status})")
    return str(json.loads(body)["authorizationData"][0]["authorizationToken"])


def signed(keys: Mapping[str, str], host: str, region: str, body: bytes, now: float | None = None) -> dict[str, str]:
    """Return the headers of a call to ECR's GetAuthorizationToken, signed by Signature Version 4."""
    at = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
    headers = {"content-type": "application/x-amz-json-1.1", "host": host, "x-amz-date": at,
               "x-amz-security-token": keys["Token"],
               "x-amz-target": "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken"}  # fmt: skip
    names, scope = ";".join(headers), f"{at[:8]}/{region}/ecr/aws4_request"
    canonical = "\n".join(["POST", "/", "", *(f"{name}:{value}" for name, value in headers.items()), "", names,
                           hashlib.sha256(body).hexdigest()])  # fmt: skip
    said = "\n".join(["AWS4-HMAC-SHA256", at, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = ("AWS4" + keys["SecretAccessKey"]).encode()
    for part in (*scope.split("/"), said):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    headers["authorization"] = (f"AWS4-HMAC-SHA256 Credential={keys['AccessKeyId']}/{scope}, "
                                f"SignedHeaders={names}, Signature={key.hex()}")  # fmt: skip
    return headers


KINDS = {"http": http, "metadata": metadata, "pull": pull}
