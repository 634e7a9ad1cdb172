"""The public parameters that name machine images: EKS's node images and Amazon Linux."""

from __future__ import annotations

import hashlib
import re
from typing import Any

from airgap.rehearsal.eks.versions import VERSIONS
from airgap.rehearsal.hook import PassOn, answers
from airgap.rehearsal.wire import Call

# https://github.com/awslabs/amazon-eks-ami: the release that serves these versions.
RELEASE = "20261112"
_NODE = re.compile(
    r"/aws/service/eks/optimized-ami/([0-9.]+)/(amazon-linux-2023/(?:x86_64|arm64)/(?:standard|nvidia|neuron))"
    r"/(recommended|amazon-eks-node-[\w.-]+)/(image_id|image_name|release_version)"
)
_LINUX = re.compile(r"/aws/service/ami-amazon-linux-latest/(al2023-ami-(?:minimal-)?kernel-[\w.]+-(?:x86_64|arm64))")
_KINDS = {
    "AL2023_x86_64_STANDARD": "x86_64/standard",
    "AL2023_ARM_64_STANDARD": "arm64/standard",
    "AL2023_x86_64_NEURON": "x86_64/neuron",
    "AL2023_x86_64_NVIDIA": "x86_64/nvidia",
    "AL2023_ARM_64_NVIDIA": "arm64/nvidia",
}


def release(version: str) -> str:
    """Return the release of the node image of a Kubernetes version."""
    return f"{version}.0-{RELEASE}"


def image_of(region: str, version: str, ami_type: str) -> str:
    """Return the id of EKS's node image for a Kubernetes version and AMI type."""
    kind = _KINDS.get(ami_type, ami_type)
    return _id(region, f"/aws/service/eks/optimized-ami/{version}/amazon-linux-2023/{kind}")


def _id(region: str, name: str) -> str:
    return "ami-" + hashlib.sha256(f"{region}{name}".encode()).hexdigest()[:17]


def _value(region: str, name: str) -> str | None:
    """Return the value of a public parameter, None for a name that is none, or of a version that EKS never had."""
    match = _NODE.fullmatch(name)
    if match and match.group(1) in VERSIONS:
        version, family, _, what = match.groups()
        architecture = family.split("/")[1]
        title = f"amazon-eks-node-al2023-{architecture}-{family.split('/')[2]}-{version}-v{RELEASE}"
        place = f"/aws/service/eks/optimized-ami/{version}/{family}"
        return {"image_id": _id(region, place), "image_name": title, "release_version": release(version)}[what]
    match = _LINUX.fullmatch(name)
    return _id(region, match.group(1)) if match else None


@answers("ssm", "GetParameter", "GetParameters")
def image_parameters(call: Call) -> dict[str, Any] | PassOn:
    """The ids of images are public parameters; every other parameter is moto's."""
    names = [call.get("Name")] if call.operation == "GetParameter" else call.get("Names", [])
    images = {name: _parameter(call, name) for name in names}
    if not any(images.values()):
        return PassOn.TO_MOTO
    if call.operation == "GetParameter":
        return {"Parameter": images[names[0]]}
    others = {name: call.backend("ssm").get_parameter(name) for name in names if not images[name]}
    decrypted = call.get("WithDecryption", False)
    found = [x.response_object(decrypted, call.region) for x in others.values() if x]
    return {
        "Parameters": [image for image in images.values() if image] + found,
        "InvalidParameters": [name for name, parameter in others.items() if parameter is None],
    }


def _parameter(call: Call, name: str) -> dict[str, Any] | None:
    value = _value(call.region, name)
    if value is None:
        return None
    arn = f"arn:{call.partition}:ssm:{call.region}::parameter{name}"
    kind = "aws:ec2:image" if value.startswith("ami-") and "/eks/" not in name else "text"
    return {"Name": name, "Type": "String", "Value": value, "Version": 1, "ARN": arn, "DataType": kind}
