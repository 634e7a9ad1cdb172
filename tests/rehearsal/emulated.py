"""Clients of an embedded AWS, and what its tests say of it."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from airgap.rehearsal import environment


def in_place(params: dict[str, Any], **_: Any) -> None:
    """S3 Control puts the account before the host, which loopback has no name for."""
    account = params["headers"].get("x-amz-account-id", "")
    params["url"] = params["url"].replace(f"//{account}.", "//", 1)


SESSION = boto3.Session()
CLIENTS: dict[Any, Any] = {}


@dataclass
class Account:
    """Clients of the embedded AWS, by default as alice in us-east-1 and without retries."""

    url: str

    def client(self, service: str, region: str = "us-east-1", person: str = "alice", **options: Any) -> Any:
        key = (self.url, service, region, person, tuple(options.items()))
        if key not in CLIENTS:
            names = environment(self.url, person)
            CLIENTS[key] = SESSION.client(
                service,
                region_name=region,
                endpoint_url=self.url,
                aws_access_key_id=names["AWS_ACCESS_KEY_ID"],
                aws_secret_access_key=names["AWS_SECRET_ACCESS_KEY"],
                config=Config(retries={"max_attempts": 0}, **options),
            )
            CLIENTS[key].meta.events.register("before-call.s3-control", in_place)
        return CLIENTS[key]

    def control(self, method: str, path: str, document: Any = None) -> Any:
        body = None if document is None else json.dumps(document).encode()
        request = urllib.request.Request(f"{self.url}/rehearsal{path}", body, method=method)
        with urllib.request.urlopen(request) as response:
            return json.load(response)

    def vpc(self, cidr: str = "10.0.0.0/16", dns: bool = True) -> str:
        ec2 = self.client("ec2")
        vpc = ec2.create_vpc(CidrBlock=cidr)["Vpc"]["VpcId"]
        if dns:
            ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
        return vpc

    def subnet(self, vpc: str, number: int, zone: str = "us-east-1a") -> str:
        ec2, block = self.client("ec2"), f"10.0.{number}.0/24"
        return ec2.create_subnet(VpcId=vpc, CidrBlock=block, AvailabilityZone=zone)["Subnet"]["SubnetId"]


def refused(code: str, call: Callable[..., Any], **params: Any) -> str:
    """Assert that AWS refuses the call with this code; return the message."""
    with pytest.raises(ClientError) as caught:
        call(**params)
    error = caught.value.response["Error"]
    assert error["Code"] == code, error
    return str(error["Message"])


def until(read: Callable[[], Any], wanted: Any, seconds: float = 3.0) -> None:
    """Assert that a value is read as wanted before the time is up."""
    end = time.monotonic() + seconds
    while (seen := read()) != wanted:
        assert time.monotonic() < end, seen
        time.sleep(0.02)
