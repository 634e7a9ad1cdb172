"""EKS bearer tokens: a presigned ``sts:GetCallerIdentity`` that names a cluster, checked as the cluster checks it.

The token is ``k8s-aws-v1.`` and the base64url of the URL. The cluster's name is not in it: it is a signed header, so a
token for another cluster has a signature that does not fit this one (AWS: aws-iam-authenticator's token format).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, quote, urlsplit

PREFIX = "k8s-aws-v1."
LIFE = timedelta(minutes=15)
HEADER = "x-k8s-aws-id"
# Maps (access key, Region) to the ARN and the secret key of whoever signs with it, None for nobody.
Who = Callable[[str, str], tuple[str, str] | None]
Clock = Callable[[], datetime]


def _now() -> datetime:
    return datetime.now(UTC)


def _parts(token: str) -> tuple[str, str, dict[str, str]] | None:
    """Return host, path and query of the URL in a token, None where it is not such a token."""
    if not token.startswith(PREFIX):
        return None
    text = token.removeprefix(PREFIX)
    try:
        url = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
    except (binascii.Error, ValueError):
        return None
    place = urlsplit(url)
    return place.netloc, place.path or "/", dict(parse_qsl(place.query, keep_blank_values=True))


def _fits(query: dict[str, str], host: str, now: datetime) -> bool:
    """Say whether a URL asks who signed it, with the cluster's header signed, and is still valid."""
    try:
        signed = datetime.strptime(query["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        life = min(timedelta(seconds=int(query["X-Amz-Expires"])), LIFE)
        headers = query["X-Amz-SignedHeaders"].split(";")
    except (KeyError, ValueError):
        return False
    asks = query.get("Action") == "GetCallerIdentity" and host.split(".")[0] == "sts"
    # A URL that is signed for a minute is good for the whole life of a token, as in the authenticator.
    return (
        asks
        and HEADER in headers
        and "host" in headers
        and life > timedelta(0)
        and signed <= now + LIFE
        and now < signed + LIFE
    )


def _signature(secret: str, host: str, path: str, query: dict[str, str], cluster: str) -> str:
    """Return the signature (AWS Signature Version 4) of the URL with the header naming ``cluster``."""
    pairs = sorted(
        (quote(name, "-_.~"), quote(value, "-_.~")) for name, value in query.items() if name != "X-Amz-Signature"
    )
    values = {"host": host, HEADER: cluster}
    names = query["X-Amz-SignedHeaders"].split(";")
    headers = "".join(f"{name}:{values.get(name, '')}\n" for name in names)
    lines = ["GET", path, "&".join(f"{name}={value}" for name, value in pairs), headers, ";".join(names)]
    request = "\n".join([*lines, hashlib.sha256(b"").hexdigest()])
    scope = query["X-Amz-Credential"].split("/", 1)[1]
    digest = hashlib.sha256(request.encode()).hexdigest()
    text = "\n".join([query["X-Amz-Algorithm"], query["X-Amz-Date"], scope, digest])
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def checked(who: Who, clock: Clock = _now) -> Callable[[str, str], str | None]:
    """Return the function from (token, cluster name) to the ARN of its signer, None where the token proves nothing.

    Refused: other forms, expired ones (15 minutes), ones signed for another cluster, and signers that nobody knows.
    """

    def principal_of(token: str, cluster: str) -> str | None:
        parts = _parts(token)
        if parts is None or not _fits(parts[2], parts[0], clock()):
            return None
        host, path, query = parts
        scope = query.get("X-Amz-Credential", "").split("/")
        if len(scope) != 5 or scope[3:] != ["sts", "aws4_request"]:
            return None
        found = who(scope[0], scope[2])
        if found is None:
            return None
        arn, secret = found
        expected = _signature(secret, host, path, query, cluster)
        return arn if hmac.compare_digest(expected, query.get("X-Amz-Signature", "")) else None

    return principal_of
