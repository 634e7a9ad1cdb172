"""ECR repositories: one for each image and chart of the lock, immutable, scanned, for this account alone.

AWS: Amazon ECR User Guide, "Image tag mutability", "Encryption at rest", "Private repository policies", "Lifecycle
policies".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from airgap.errors import ParamsError
from airgap.model.canonical import encode, plain
from airgap.model.estate import Estate
from airgap.model.intent import Intent
from airgap.model.mirror import Lock, repositories, wanted
from airgap.model.plan import Desired, ref
from airgap.model.reading import FIXED, NEVER, Field, Reading
from airgap.resources.kind import Call, Fields, Kind, declares, tag_list

LOCK = "images:ReadLock"
KEPT = 100
"""Tagged images that a repository keeps; older ones expire."""
_GONE = ("RepositoryNotFoundException",)
_ITSELF = {"repositoryName": "repositoryName"}


def _created(f: Fields) -> dict[str, Any]:
    return {
        "repositoryName": f["name"],
        "imageTagMutability": f["mutability"],
        "imageScanningConfiguration": {"scanOnPush": f["scan_on_push"]},
        "encryptionConfiguration": {"encryptionType": f["encryption"], "kmsKey": f["kms_key"]},
        "tags": tag_list(f),
    }


def _set(operation: str, parameter: str, value: Any) -> tuple[Call, ...]:
    return (Call(f"ecr:{operation}", lambda f: {"repositoryName": f["name"], parameter: value(f)}),)


REPOSITORY = Kind(
    "repository",
    "ECR repository",
    Reading(
        "ecr:DescribeRepositories",
        "repositories",
        "repositoryName",
        owner="name",
        natural=("name",),
        tags="ecr:ListTagsForResource|resourceArn=repositoryArn|tags",
        attrs={"arn": "repositoryArn"},
        fields={
            "name": Field("repositoryName", change=NEVER, why="a repository is its name"),
            "mutability": Field("imageTagMutability", risk="opens", why="a tag could name another image tomorrow"),
            "scan_on_push": Field("imageScanningConfiguration.scanOnPush", risk="blinds", why="nobody would look"),
            "encryption": Field("encryptionConfiguration.encryptionType", change=FIXED, why="it is chosen once"),
            "kms_key": Field(
                "encryptionConfiguration.kmsKey", change=FIXED, absent="AWS's own", why="a repository keeps its key"
            ),
            "policy": Field(
                "policyText",
                call="ecr:GetRepositoryPolicy",
                by=_ITSELF,
                form="policy",
                risk="opens",
                why="it says who may pull and push",
            ),
            "lifecycle": Field(
                "lifecyclePolicyText", call="ecr:GetLifecyclePolicy", by=_ITSELF, form="json", why="old images go"
            ),
        },
    ),
    create=(
        Call(
            "ecr:CreateRepository",
            _created,
            result="repository",
            actions=("ecr:TagResource", "kms:CreateGrant", "kms:DescribeKey"),
        ),
    ),
    later=("policy", "lifecycle"),
    updates={
        "mutability": _set("PutImageTagMutability", "imageTagMutability", lambda f: f["mutability"]),
        "scan_on_push": _set(
            "PutImageScanningConfiguration", "imageScanningConfiguration", lambda f: {"scanOnPush": f["scan_on_push"]}
        ),
        "policy": _set("SetRepositoryPolicy", "policyText", lambda f: encode(plain(f["policy"]))),
        "lifecycle": _set("PutLifecyclePolicy", "lifecyclePolicyText", lambda f: encode(plain(f["lifecycle"]))),
    },
    # What is in a repository goes with it, and ECR retires its grants on the key with the caller's rights.
    delete=(
        Call(
            "ecr:DeleteRepository",
            lambda f: {"repositoryName": f["id"], "force": True},
            ignore=_GONE,
            actions=("kms:RetireGrant",),
        ),
    ),
)

SCANNING = Kind(
    "registry-scanning",
    "Scanning of the account's registry",
    Reading(
        "ecr:GetRegistryScanningConfiguration",
        "scanningConfiguration",
        "=registry-scanning",
        owner="account",
        fields={
            "type": Field("scanType", risk="blinds", why="how images are looked at"),
            "rules": Field("rules", form="set", risk="blinds", why="which images are looked at, and when"),
        },
    ),
    create=(
        _SCAN := Call("ecr:PutRegistryScanningConfiguration", lambda f: {"scanType": f["type"], "rules": f["rules"]}),
    ),
    updates={"type": (_SCAN,), "rules": (_SCAN,)},
    account_wide=True,
)


def repository_policy(intent: Intent) -> dict[str, Any]:
    """Return the policy that refuses every other account, whatever else it would admit."""
    strangers = {
        "StringNotEquals": {"aws:PrincipalAccount": intent.account},
        # A service of AWS that acts by itself has no account.
        "BoolIfExists": {"aws:PrincipalIsAWSService": "false"},
    }
    statement = {"Sid": "OursOnly", "Effect": "Deny", "Principal": "*", "Action": "ecr:*", "Condition": strangers}
    return {"Version": "2012-10-17", "Statement": [statement]}


def lifecycle() -> dict[str, Any]:
    """Return the rule by which old images go; one over untagged images would take SBOMs, which have no tag."""
    selection = {
        "tagStatus": "tagged",
        "tagPatternList": ["*"],
        "countType": "imageCountMoreThan",
        "countNumber": KEPT,
    }
    described = f"the newest {KEPT} tagged images stay, with all that refers to them"
    rule = {"rulePriority": 1, "description": described, "selection": selection, "action": {"type": "expire"}}
    return {"rules": [rule]}


def locked(intent: Intent, facts: Estate) -> Lock:
    """Return the lock; raises ``ParamsError`` where there is none although the params name something to mirror."""
    page = facts.page(LOCK)
    if page is None and wanted(intent):
        what = f"params/{intent.environment}.images.json does not exist: no image is locked"
        again = f"run 'airgap mirror lock --env {intent.environment}' where there is internet, and keep it in git"
        raise ParamsError(what, "anything of step images", again)
    return Lock.recorded(page)


@declares(SCANNING, REPOSITORY, reads=(LOCK,))
def declare(intent: Intent, facts: Estate) -> Iterator[Desired]:
    """Yield a repository for each place of the lock and, in an exclusive account, scanning for all of them."""
    if intent.exclusive_account:
        rule = {"scanFrequency": "SCAN_ON_PUSH", "repositoryFilters": [{"filter": "*", "filterType": "WILDCARD"}]}
        fields: dict[str, Any] = {"type": "BASIC", "rules": [rule]}
        why = "whatever is pushed is looked at"
        yield Desired("registry-scanning", "account", fields, why=why, label="account-wide")
    for name, entries in repositories(intent, locked(intent, facts).entries).items():
        fields = {
            "name": name,
            "mutability": "IMMUTABLE",
            "scan_on_push": True,
            "encryption": "KMS",
            "kms_key": ref("kms-key:data", "arn"),
            "policy": repository_policy(intent),
            "lifecycle": lifecycle(),
        }
        sources = ", ".join(sorted({entry.source for entry in entries}))
        yield Desired("repository", name, fields, why=f"mirror of {sources}")
