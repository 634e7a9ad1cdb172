"""EKS: versions with the ends of their support, add-on versions, and the public parameters of the node images.

Dates of 1.31 to 1.35 follow the AWS calendar (second-hand, November 2026), later ones are estimates; read them when
it matters.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

from airgap.rehearsal.hook import PassOn, answers
from airgap.rehearsal.wire import Call, Refusal

# version: (released, end of standard support, end of extended support)
VERSIONS = {
    "1.31": ("2024-09-26", "2025-11-26", "2026-11-26"),
    "1.32": ("2025-01-23", "2026-03-23", "2027-03-23"),
    "1.33": ("2025-05-29", "2026-07-29", "2027-07-29"),
    "1.34": ("2025-10-02", "2026-12-02", "2027-12-02"),
    "1.35": ("2026-01-27", "2027-03-27", "2028-03-27"),
    "1.36": ("2026-06-01", "2027-08-01", "2028-08-01"),
    "1.37": ("2026-10-01", "2027-12-01", "2028-12-01"),
}
DEFAULT_VERSION = "1.36"
# add-on: (type, default namespace, version without the build)
ADDONS = {
    "aws-ebs-csi-driver": ("storage", "kube-system", "v1.50.1"),
    "coredns": ("networking", "kube-system", "v1.13.1"),
    "eks-pod-identity-agent": ("security", "kube-system", "v1.3.10"),
    "kube-proxy": ("networking", "kube-system", "v{kubernetes}.0"),
    "metrics-server": ("observability", "kube-system", "v0.8.0"),
    "vpc-cni": ("networking", "kube-system", "v1.21.1"),
}
_LISTS = {
    "ListAddons": "addons",
    "ListAccessEntries": "accessEntries",
    "ListCapabilities": "capabilities",
    "ListIdentityProviderConfigs": "identityProviderConfigs",
    "ListPodIdentityAssociations": "associations",
    "ListUpdates": "updateIds",
}
_ITEMS = {
    "DescribeCapability": "capability",
    "DescribeIdentityProviderConfig": "identity provider config",
    "DescribePodIdentityAssociation": "pod identity association",
    "DescribeAddon": "addon",
    "DescribeAccessEntry": "access entry",
}


def _status(version: str, today: str) -> str:
    _, standard, extended = VERSIONS[version]
    if today <= standard:
        return "standard-support"
    return "extended-support" if today <= extended else "unsupported"


@answers("eks", "DescribeClusterVersions")
def describe_versions(call: Call) -> dict[str, Any]:
    """Return the versions, newest first, with their state of today."""
    today = datetime.now(UTC).date().isoformat()
    found = []
    for version in sorted(VERSIONS, reverse=True):
        released, standard, extended = VERSIONS[version]
        status = _status(version, today)
        found.append(
            {
                "clusterVersion": version,
                "clusterType": "eks",
                "defaultPlatformVersion": "eks.1",
                "defaultVersion": version == DEFAULT_VERSION,
                "releaseDate": f"{released}T00:00:00Z",
                "endOfStandardSupportDate": f"{standard}T00:00:00Z",
                "endOfExtendedSupportDate": f"{extended}T00:00:00Z",
                "status": status,
                "versionStatus": status.upper().replace("-", "_"),
                "kubernetesPatchVersion": f"{version}.0",
            }
        )
    return {"clusterVersions": [x for x in found if _asked(call, x)]}


def _asked(call: Call, version: dict[str, Any]) -> bool:
    if call.get("defaultOnly") and not version["defaultVersion"]:
        return False
    if call.get("clusterVersions") and version["clusterVersion"] not in call.get("clusterVersions"):
        return False
    statuses = {call.get("status"), call.get("versionStatus")} - {None}
    return not statuses or bool(statuses & {version["status"], version["versionStatus"]})


@answers("eks", "DescribeAddonVersions")
def describe_addons(call: Call) -> dict[str, Any]:
    """Return the add-on versions that fit a Kubernetes version."""
    kubernetes = [call.get("kubernetesVersion")] if call.get("kubernetesVersion") else sorted(VERSIONS)
    names = [call.get("addonName")] if call.get("addonName") else sorted(ADDONS)
    if not set(names) <= set(ADDONS):
        raise Refusal("ResourceNotFoundException", f"Addon {names[0]} does not exist")
    return {"addons": [_addon(name, kubernetes) for name in names]}


def _addon(name: str, kubernetes: list[str]) -> dict[str, Any]:
    kind, namespace, version = ADDONS[name]
    versions: list[dict[str, Any]] = []
    for number in kubernetes:
        fits: dict[str, Any] = {"clusterVersion": number, "platformVersions": ["*"], "defaultVersion": True}
        full = f"{version.format(kubernetes=number)}-eksbuild.1"
        same = next((x for x in versions if x["addonVersion"] == full), None)
        if same is None:
            versions.append({"addonVersion": full, "architecture": ["amd64", "arm64"], "compatibilities": [fits]})
        else:
            same["compatibilities"].append(fits)
    owner = {"publisher": "eks", "owner": "aws", "defaultNamespace": namespace}
    return {"addonName": name, "type": kind, "addonVersions": versions, **owner}


def _cluster(call: Call) -> None:
    name = call.get("clusterName")
    if name not in call.backend("eks").clusters:
        raise Refusal("ResourceNotFoundException", f"No cluster found for name: {name}.", clusterName=name)


@answers("eks", *_LISTS)
def list_parts(call: Call) -> dict[str, Any]:
    """Return the parts of a cluster: none, of a cluster that exists."""
    _cluster(call)
    return {_LISTS[call.operation]: []}


@answers("eks", *_ITEMS)
def describe_part(call: Call) -> dict[str, Any]:
    """Refuse, since no cluster has such a part."""
    _cluster(call)
    raise Refusal("ResourceNotFoundException", f"There is no such {_ITEMS[call.operation]}")


@answers("ssm", "GetParameter", "GetParameters")
def image_parameters(call: Call) -> dict[str, Any] | PassOn:
    """The ids of the EKS node images are public parameters; every other parameter is moto's."""
    names = [call.get("Name")] if call.operation == "GetParameter" else call.get("Names", [])
    images = {name: _image(call, name) for name in names}
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


def _image(call: Call, name: str) -> dict[str, Any] | None:
    """Return the public parameter of a node image, of a version that is in support; None for another parameter."""
    parts = name.split("/")
    if parts[1:5] != ["aws", "service", "eks", "optimized-ami"] or parts[-1] != "image_id" or parts[5] not in VERSIONS:
        return None
    image = "ami-" + hashlib.sha256(f"{call.region}{name}".encode()).hexdigest()[:17]
    arn = f"arn:{call.partition}:ssm:{call.region}::parameter{name}"
    return {"Name": name, "Type": "String", "Value": image, "Version": 1, "ARN": arn, "DataType": "text"}
