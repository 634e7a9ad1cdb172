"""What is somebody else's: adopted things are verified and never changed, strangers in our VPC are never touched."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from account import inventory
from commandline import Airgap
from library import Library, changes, findings, project, variant

from airgap.errors import Refused

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]
MAKING = ("identity", "network", "endpoints")
Stranger = Callable[[Any, str, str], tuple[str, Callable[[], Any]]]


@pytest.fixture(scope="module")
def projects(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return project(tmp_path_factory.mktemp("project"))


@pytest.fixture(scope="module")
def deployed(airgap: Airgap, projects: Path) -> Library:
    """The reference environment, deployed; its network is there until the last stranger has been."""
    library = Library(airgap.environment, airgap.reports, projects)
    library("apply", *MAKING, verify=False)
    return library


def interface(ec2: Any, vpc: str, subnet: str) -> tuple[str, Callable[[], Any]]:
    made = ec2.create_network_interface(SubnetId=subnet)["NetworkInterface"]["NetworkInterfaceId"]
    return made, lambda: ec2.delete_network_interface(NetworkInterfaceId=made)


def instance(ec2: Any, vpc: str, subnet: str) -> tuple[str, Callable[[], Any]]:
    image = ec2.register_image(Name="somebody-elses", RootDeviceName="/dev/xvda")["ImageId"]
    made = ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, SubnetId=subnet)["Instances"][0]["InstanceId"]
    return made, lambda: ec2.terminate_instances(InstanceIds=[made])


def group(ec2: Any, vpc: str, subnet: str) -> tuple[str, Callable[[], Any]]:
    made = ec2.create_security_group(GroupName="somebody-elses", Description="x", VpcId=vpc)["GroupId"]
    return made, lambda: ec2.delete_security_group(GroupId=made)


def endpoint(ec2: Any, vpc: str, subnet: str) -> tuple[str, Callable[[], Any]]:
    name = "com.amazonaws.us-east-1.sqs"
    asked = {"VpcId": vpc, "ServiceName": name, "VpcEndpointType": "Interface", "SubnetIds": [subnet]}
    made = ec2.create_vpc_endpoint(**asked)["VpcEndpoint"]["VpcEndpointId"]
    return made, lambda: ec2.delete_vpc_endpoints(VpcEndpointIds=[made])


@pytest.mark.parametrize(
    ("stranger", "step"),
    [(interface, "network"), (instance, "network"), (group, "network"), (endpoint, "network"), (instance, "endpoints")],
)
def test_stranger_in_our_vpc_blocks_destroy_and_is_named(
    airgap: Airgap, deployed: Library, stranger: Stranger, step: str
) -> None:
    ec2 = airgap.boto("ec2")
    (vpc,) = ec2.describe_vpcs()["Vpcs"]
    subnet = tagged(ec2.describe_subnets()["Subnets"], "subnet:private-a")["SubnetId"]
    name, remove = stranger(ec2, vpc["VpcId"], subnet)
    before, writes = inventory(airgap.boto), airgap.writes()
    with pytest.raises(Refused, match=name) as caught:
        deployed("destroy", step)
    assert caught.value.exit_code == 4
    assert "vpc:main" in caught.value.what
    assert caught.value.unchanged == f"anything of step {step}"
    assert airgap.writes() == writes
    assert inventory(airgap.boto) == before
    remove()


def tagged(items: list[dict[str, Any]], key: str) -> dict[str, Any]:
    return next(item for item in items if {"Key": "airgap:key", "Value": key} in item.get("Tags", []))


@pytest.fixture
def landing_zone(airgap: Airgap, projects: Path, deployed: Library) -> dict[str, str]:
    """A VPC, an endpoint in it and a trail that others have made, as the params would have declared them."""
    airgap.control("POST", "/rehearsal/reset")
    ec2, s3 = airgap.boto("ec2"), airgap.boto("s3")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
    asked = {"VpcId": vpc, "ServiceName": "com.amazonaws.us-east-1.dynamodb", "VpcEndpointType": "Gateway"}
    gateway = ec2.create_vpc_endpoint(**asked)["VpcEndpoint"]["VpcEndpointId"]
    while ec2.describe_vpc_endpoints(VpcEndpointIds=[gateway])["VpcEndpoints"][0]["State"] != "available":
        time.sleep(0.05)
    s3.create_bucket(Bucket="landing-zone-trail")
    statement = {"Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"}, "Action": "s3:*"}
    both = ["arn:aws:s3:::landing-zone-trail", "arn:aws:s3:::landing-zone-trail/*"]
    policy = {"Version": "2012-10-17", "Statement": [{**statement, "Resource": both}]}
    s3.put_bucket_policy(Bucket="landing-zone-trail", Policy=json.dumps(policy))
    trail = airgap.boto("cloudtrail").create_trail(
        Name="landing-zone", S3BucketName="landing-zone-trail", IsMultiRegionTrail=True, EnableLogFileValidation=True
    )["TrailARN"]
    airgap.boto("cloudtrail").start_logging(Name=trail)
    return {"vpc:main": vpc, "vpc-endpoint:dynamodb": gateway, "trail:main": trail}


def looks(airgap: Airgap, adopted: dict[str, str]) -> list[Any]:
    """All that can be seen of the adopted things."""
    ec2, trails = airgap.boto("ec2"), airgap.boto("cloudtrail")
    vpc, gateway, trail = adopted.values()
    (seen,) = ec2.describe_vpc_endpoints(VpcEndpointIds=[gateway])["VpcEndpoints"]
    # Block Public Access is the account's, and shows in every VPC of it.
    described = [{**one, "BlockPublicAccessStates": None} for one in ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"]]
    return [
        described,
        ec2.describe_vpc_attribute(VpcId=vpc, Attribute="enableDnsHostnames")["EnableDnsHostnames"],
        seen,
        trails.get_trail(Name=trail)["Trail"],
        trails.list_tags(ResourceIdList=[trail])["ResourceTagList"],
    ]


def test_adopted_things_are_verified_never_changed_and_never_destroyed(
    airgap: Airgap, projects: Path, landing_zone: dict[str, str]
) -> None:
    env = variant(projects, "shared", {"adopt": landing_zone, "logs": {"trail": "adopted"}})
    library = Library(airgap.environment, airgap.reports, projects, env=env)
    before, account = looks(airgap, landing_zone), inventory(airgap.boto)
    runs = library("apply", *MAKING)
    assert looks(airgap, landing_zone) == before
    made = [line for run in runs.values() for line in changes({"": run})]
    assert not [line for line in made if line.split()[1] in landing_zone]
    assert len(airgap.boto("ec2").describe_vpcs()["Vpcs"]) == 1

    # It is not made as the runbook would make it: told field by field, and left as it is.
    differing = {one.resource for run in runs.values() if run.planned for one in run.planned.differing}
    assert "vpc-endpoint:dynamodb" in differing
    assert differing <= set(landing_zone)
    assert findings(runs, "fail")
    assert findings(runs, "unknown") == []
    assert changes(library("plan", *MAKING)) == []

    assert findings(library("destroy", *MAKING), "fail", "unknown") == []
    assert looks(airgap, landing_zone) == before
    left = inventory(airgap.boto) - account
    assert [what for what in left if not what.startswith("role AWSServiceRole")] == []
