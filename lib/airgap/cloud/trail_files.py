"""CloudTrail's digest and log files of some hours, and the keys that signed them, as CloudTrail left them in S3.

Source: AWS CloudTrail User Guide, "CloudTrail digest file structure"; API Reference, "ListPublicKeys".
"""

from __future__ import annotations

import base64
import datetime as dt
import gzip
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from airgap.errors import AirgapError

Client = Callable[[str, str], Any]
"""Service and Region -> its client."""


@dataclass(frozen=True)
class Window:
    """From when to when (RFC 3339, UTC), and in which Regions, something was done."""

    began: str
    ended: str
    regions: tuple[str, ...]

    @property
    def days(self) -> Iterator[str]:
        """The days on which digests that reach over it may have been written, as CloudTrail names its folders."""
        first, last = (dt.date.fromisoformat(one[:10]) for one in (self.began, self.ended))
        for number in range((last - first).days + 2):
            yield (first + dt.timedelta(days=number)).strftime("%Y/%m/%d")

    def meets(self, digest: dict[str, Any]) -> bool:
        """Whether the hour of a digest has a second in common with it."""
        return bool(
            digest["digestStartTime"][:19] <= self.ended[:19] and digest["digestEndTime"][:19] >= self.began[:19]
        )


def aws_clients(service: str, region: str) -> Any:
    """Return a client by the caller's own credentials."""
    import boto3

    return boto3.session.Session(region_name=region).client(service)


def trail_files(trail: str, account: str, window: Window, client: Client = aws_clients) -> dict[str, bytes]:
    """Return files by name, ``index.json`` among them: the digests of a trail that meet a window, and their logs.

    Raises ``AirgapError`` where the trail is not there, or CloudTrail has yet to write a digest of the window's end.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return _files(_described(trail, client("cloudtrail", window.regions[0])), account, window, client)
    except (BotoCoreError, ClientError) as error:
        raise AirgapError(
            f"CloudTrail's files of {trail} cannot be read: {error}",
            "the run; nothing was written",
            "grant cloudtrail:DescribeTrails and ListPublicKeys, and s3:ListBucket and GetObject on the trail's bucket",
        ) from error


def _described(trail: str, client: Any) -> dict[str, Any]:
    found = client.describe_trails(trailNameList=[trail])["trailList"]
    if not found or not found[0].get("LogFileValidationEnabled"):
        why = "does not write digest files" if found else "is not there"
        raise AirgapError(f"Trail {trail} {why}", "the run; nothing was written", "apply the step network")
    return dict(found[0])


def _files(told: dict[str, Any], account: str, window: Window, client: Client) -> dict[str, bytes]:
    s3, bucket = client("s3", told.get("HomeRegion", window.regions[0])), told["S3BucketName"]
    start = f"{told['S3KeyPrefix']}/" if told.get("S3KeyPrefix") else ""
    files: dict[str, bytes] = {}
    digests: list[dict[str, str]] = []
    keys: list[dict[str, str]] = []
    for region in window.regions:
        reach = ""
        for key in _listed(s3, bucket, f"{start}AWSLogs/{account}/CloudTrail-Digest/{region}", window):
            raw, signature = _object(s3, bucket, key)
            digest = json.loads(gzip.decompress(raw))
            if window.meets(digest):
                files[key], reach = raw, max(reach, digest["digestEndTime"])
                digests.append({"bucket": bucket, "object": key, "signature": signature, "region": region})
                for log in digest["logFiles"]:
                    files[log["s3Object"]] = _object(s3, log["s3Bucket"], log["s3Object"])[0]
        if reach[:19] < window.ended[:19]:
            raise _not_yet(region, reach, window.ended)
        keys += _keys(client("cloudtrail", region), window)
    index = {"schema": "airgap/trail/v1", "trail": told["TrailARN"], "digests": digests, "keys": keys}
    return {**files, "index.json": (json.dumps(index, indent=1, sort_keys=True) + "\n").encode()}


def _listed(s3: Any, bucket: str, folder: str, window: Window) -> Iterator[str]:
    for day in window.days:
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{folder}/{day}/"):
            yield from (one["Key"] for one in page.get("Contents", []) if one["Key"].endswith(".json.gz"))


def _object(s3: Any, bucket: str, key: str) -> tuple[bytes, str]:
    answer = s3.get_object(Bucket=bucket, Key=key)
    return answer["Body"].read(), answer.get("Metadata", {}).get("signature", "")


def _keys(client: Any, window: Window) -> list[dict[str, str]]:
    began, ended = (dt.datetime.fromisoformat(one.replace("Z", "+00:00")) for one in (window.began, window.ended))
    asked = {"StartTime": began - dt.timedelta(hours=2), "EndTime": ended + dt.timedelta(hours=2)}
    pages = client.get_paginator("list_public_keys").paginate(**asked)
    found = [one for page in pages for one in page["PublicKeyList"]]
    return [{"fingerprint": one["Fingerprint"], "value": base64.b64encode(one["Value"]).decode()} for one in found]


def _not_yet(region: str, reach: str, ended: str) -> AirgapError:
    told = f"reach to {reach}" if reach else "do not reach it"
    return AirgapError(
        f"What is asked for was delivered by {ended}, and CloudTrail's digest files of {region} {told}",
        "the run; nothing was written",
        "ask again in an hour: CloudTrail writes a digest each hour, some minutes late",
    )
