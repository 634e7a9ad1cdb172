"""Whether the printed policies allow what runs did, call by call: a record of journals judged by the offline evaluator.

A request's resource and its tags are taken from the call's parameters and from the pages that the runs read; a resource
that no page shows with our tag is somebody else's, and a policy that leans on the tag refuses it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from airgap.cloud.queries import QUERIES
from airgap.evidence.journal import read_journal
from airgap.model.intent import Intent
from airgap.model.permissions import by_iam, iam_action
from airgap.model.policy import ALLOW, Policy, Request, evaluate, parse
from airgap.resources.iam_limits import scopes
from airgap.resources.least_privilege import policies
from airgap.resources.statements import document
from airgap.run.surveying import ALL_KINDS

TAG = "airgap:environment"
TAG_LISTS = ("Tags", "tags", "TagSet", "TagsList", "TagList")
# What an id begins with, by the type of resource in its ARN.
IDS: Mapping[str, str] = {
    "vpc": "vpc-", "subnet": "subnet-", "route-table": "rtb-", "security-group": "sg-", "network-acl": "acl-",
    "internet-gateway": "igw-", "natgateway": "nat-", "elastic-ip": "eipalloc-", "dhcp-options": "dopt-",
    "vpc-endpoint": "vpce-", "vpc-flow-log": "fl-", "vpc-block-public-access-exclusion": "vpcbpa-exclude-",
    "firewall-domain-list": "rslvr-fdl-", "firewall-rule-group": "rslvr-frg-", "firewall-config": "rslvr-fc-",
    "firewall-rule-group-association": "rslvr-frgassoc-", "resolver-query-log-config": "rslvr-qlc-",
    "launch-template": "lt-", "instance": "i-",
}  # fmt: skip
# The parameter that names a thing, by the beginning of the action and of the resource.
NAMED: Mapping[str, tuple[str, ...]] = {
    "iam:role": ("RoleName",), "iam:instance-profile": ("InstanceProfileName",), "kms:alias": ("AliasName",),
    "kms:key": ("KeyId", "TargetKeyId"), "logs:log-group": ("logGroupName", "resourceArn", "resourceIdentifier"),
    "s3:*": ("Bucket",), "cloudtrail:trail": ("Name", "TrailName", "ResourceId", "ResourceIdList"),
    "eks:cluster": ("name", "clusterName"), "eks:nodegroup": ("nodegroupName",), "eks:addon": ("addonName",),
    "eks:access-entry": ("principalArn",), "eks:podidentityassociation": ("associationId",),
    "ssm:document": ("Name",), "ecr:repository": ("repositoryName",), "dynamodb:table": ("TableName",),
    "elasticache:subnetgroup": ("CacheSubnetGroupName",), "elasticache:replicationgroup": ("ReplicationGroupId",),
    "elasticache:user": ("UserId", "UserIds"), "elasticache:usergroup": ("UserGroupId", "UserGroupIds"),
    "rds:db": ("DBInstanceIdentifier",), "rds:pg": ("DBParameterGroupName",), "rds:subgrp": ("DBSubnetGroupName",),
    "secretsmanager:secret": ("Name", "SecretId"), "lambda:function": ("FunctionName",),
    "events:rule": ("Name", "Rule"),
    "elasticloadbalancing:loadbalancer/app": ("Name",), "elasticloadbalancing:targetgroup": ("Name",),
    "wafv2:webacl": ("Name",), "sqs:*": ("QueueName", "QueueUrl"), "bedrock:guardrail": ("guardrailIdentifier",),
}  # fmt: skip


@dataclass(frozen=True)
class Record:
    """What runs of one environment did and saw: calls with their parameters, and the ids that carry our tag."""

    intent: Intent
    reads: tuple[tuple[str, Mapping[str, Any]], ...]
    verifying: tuple[tuple[str, Mapping[str, Any]], ...]
    writes: tuple[tuple[str, Mapping[str, Any]], ...]
    ours: frozenset[str]


def record(reports: Path, intent: Intent) -> Record:
    """Read every journal and page of an environment."""
    reads, verifying, writes, ours = {}, {}, {}, set()
    for run in sorted(path for path in (reports / intent.environment).glob("2*") if path.is_dir()):
        for journal in run.rglob("journal.ndjson"):
            mode = ""
            for entry in read_journal(journal)[0]:
                data = entry["data"]
                mode = data["mode"] if entry["event"] == "open" else mode
                if entry["event"] == "read":
                    asked = (data["call"], data["params"])
                    reads[json.dumps(asked)] = asked
                    verifying.update({json.dumps(asked): asked} if mode == "verify" else {})
                    page = run / "observations" / f"{data['page']}.json"
                    ours |= set(_ours(json.loads(page.read_text()), intent, data["params"])) if data["page"] else set()
                elif entry["event"] == "write":
                    writes[json.dumps([data["call"], data["params"]])] = (data["call"], data["params"])
    return Record(intent, tuple(reads.values()), tuple(verifying.values()), tuple(writes.values()), frozenset(ours))


def _ours(data: Any, intent: Intent, asked: Mapping[str, Any]) -> Iterator[str]:
    """The ids of what carries our tag: the texts that stand beside it, or that the call asked for."""
    if isinstance(data, Mapping):
        tags = [one for name in TAG_LISTS for one in data.get(name) or () if isinstance(one, Mapping)]
        mapped = any(
            isinstance(data.get(name), Mapping) and data[name].get(TAG) == intent.environment for name in TAG_LISTS
        )
        if mapped or any({TAG, intent.environment} <= {str(value) for value in tag.values()} for tag in tags):
            named = [text for text in (*data.values(), *asked.values()) if isinstance(text, str)]
            yield from (form for text in named for form in (text, text.rpartition("/")[2], text.rpartition(":")[2]))
            # A web ACL's ARN ends in its id, after its name.
            yield from (text.split("/")[-2] for text in named if "/webacl/" in text)
    for below in data.values() if isinstance(data, Mapping) else data if isinstance(data, list) else ():
        yield from _ours(below, intent, asked)


def allowed(role: str, intent: Intent, without: str = "") -> Policy:
    """The printed policies of a role in one, less an action."""
    statements = [one for each in policies(role, intent, ALL_KINDS, QUERIES).values() for one in each["Statement"]]
    kept = [{**one, "Action": [action for action in one["Action"] if action != without]} for one in statements]
    return parse(document(*(one for one in kept if one["Action"])))


def refused(policy: Policy, requests: Iterable[Request]) -> list[str]:
    """The requests that a policy does not clearly allow."""
    distinct = {(one.action, one.resource, str(one.context)): one for one in requests}
    return sorted(
        f"{one.action} on {one.resource} {dict(one.context)}"
        for one in distinct.values()
        if evaluate(policy, one).outcome != ALLOW
    )


def read_requests(seen: Record, calls: Iterable[tuple[str, Mapping[str, Any]]]) -> Iterator[Request]:
    """What each recorded read call asks IAM."""
    intent = seen.intent
    for call, params in calls:
        yield from _of_registry(seen, call, params)
        if not by_iam(call):
            continue
        name = str(params.get("Name", ""))
        public = call.startswith("ssm:GetParameter") and name.startswith("/aws/")
        arn = intent.arn("ssm", f"parameter{name}", account="") if public else "*"
        yield Request(iam_action(call), arn)


def write_requests(seen: Record) -> Iterator[Request]:
    """What each recorded write call asks IAM: for every resource that it names, and for the tags that it sets."""
    for call, params in seen.writes:
        yield from _of_registry(seen, call, params)
        if not by_iam(call):
            continue
        action = iam_action(call)
        if call == "s3:DeleteObjects" and "VersionId" in json.dumps(params):
            action = "s3:DeleteObjectVersion"
        yield from _on_each(seen, action, params)
        yield from _beside(seen, call, params)


# What ECR asks IAM for a request of the registry protocol; it knows no cancelling of an upload.
REGISTRY: Mapping[str, str] = {
    "HeadManifest": "BatchGetImage", "GetManifest": "BatchGetImage", "PutManifest": "PutImage",
    "HeadBlob": "BatchCheckLayerAvailability", "GetBlob": "GetDownloadUrlForLayer", "ListTags": "ListImages",
    "ListReferrers": "BatchGetImage", "StartUpload": "InitiateLayerUpload", "CancelUpload": "",
    "PutBlob": "UploadLayerPart CompleteLayerUpload",
    "MountBlob": "BatchCheckLayerAvailability GetDownloadUrlForLayer InitiateLayerUpload",
}  # fmt: skip


def _of_registry(seen: Record, call: str, params: Mapping[str, Any]) -> Iterator[Request]:
    """What a request to the account's own registry asks IAM; public ones, ECR's among them, are asked by nobody."""
    system, _, operation = call.partition(":")
    if system != "oci" or ".dkr.ecr." not in str(params.get("registry")):
        return
    yield Request("ecr:GetAuthorizationToken", "*")
    name = params["repository"]
    mine = {f"aws:ResourceTag/{TAG}": (seen.intent.environment,)} if _is_ours(seen, name) else {}
    for action in REGISTRY[operation].split():
        yield Request(f"ecr:{action}", seen.intent.arn("ecr", f"repository/{name}"), context=mine)


def _on_each(seen: Record, action: str, params: Mapping[str, Any]) -> Iterator[Request]:
    service = action.split(":")[0]
    linked = "role/aws-service-role/*" if action == "iam:CreateServiceLinkedRole" else "role/*"
    rows = scopes().get(action) or (((f"iam::{{account}}:{linked}", "-"),) if service == "iam" else (("*", "-"),))
    if action == "ec2:RunInstances":
        rows = (("ec2:{region}:{account}:instance/*", "request"),)
    asked = {f"aws:RequestTag/{key}": (value,) for key, value in _tags(params).items()}
    special = {key: (str(params[name]),) for key, name in CONTEXT.items() if name in params}
    mine = {f"aws:ResourceTag/{TAG}": (seen.intent.environment,)}
    for template, tagged in rows:
        born = tagged == "request" and service in IDS_GIVEN
        for name in ["*"] if born else _names(template, params):
            own = mine if _is_ours(seen, name) else {}
            yield Request(
                action,
                _arn(seen.intent, template, name),
                context={**(asked if tagged == "request" else own), **special},
            )
    if action in UNNAMED:
        template = next(one for one, _ in rows if UNNAMED[action] in one)
        yield Request(action, _arn(seen.intent, template, "x"), context={**mine, **special})


CONTEXT = {"iam:PolicyARN": "PolicyArn", "iam:AWSServiceName": "AWSServiceName"}
# Calls that name what they change by the id of something else: an association's table, a VPC's configuration.
UNNAMED = {
    "iam:CreateServiceLinkedRole": "aws-service-role",
    "ec2:DisassociateRouteTable": "route-table",
    "route53resolver:UpdateFirewallConfig": "firewall-config",
}
IDS_GIVEN = ("ec2", "route53resolver")
"""Services that give ids, so that what is created has no name yet."""


def _is_ours(seen: Record, name: str) -> bool:
    # A listener is made with the tags of its load balancer, and nobody reads them again.
    balancer = re.sub(r":listener/(app/[^/]+/[^/]+)/.*", r":loadbalancer/\1", name)
    return any(one in seen.ours for one in (name, name.rpartition("/")[2], name.removesuffix(":*"), balancer))


def _names(template: str, params: Mapping[str, Any]) -> Iterator[str]:
    """The things of one type that a call names."""
    if template == "*":
        yield "*"
        return
    service, _, rest = template.partition(":")
    literal = [part for part in re.split("[/:]", rest.split(":", 2)[-1]) if part != "*"]
    kind = "*" if service == "s3" or not literal else literal[0]
    wanted = NAMED.get("/".join([f"{service}:{kind}", *literal[1:]]), NAMED.get(f"{service}:{kind}", ()))
    given = [params[name] for name in wanted if params.get(name)]
    yield from (str(one) for each in given for one in (each if isinstance(each, list) else [each]))
    form = re.compile(f"arn:[^:]+:{re.sub('{[a-z]+}', '[^:]*', template.replace('*', '.+'))}")
    texts = sorted(set(_texts(params)) - set(map(str, given)))
    yield from (text for text in texts if form.fullmatch(text))
    yield from (
        one
        for one in {text.rpartition("/")[2] for text in texts}
        if re.fullmatch(f"{IDS.get(kind, '!')}[0-9a-f]+", one)
    )


def _texts(data: Any) -> Iterator[str]:
    if isinstance(data, str):
        yield data
    for below in data.values() if isinstance(data, Mapping) else data if isinstance(data, list) else ():
        yield from _texts(below)


def _arn(intent: Intent, template: str, name: str) -> str:
    place = template.format(region=intent.region, account=intent.account)
    if name == "*" and place == "*":
        return "*"
    if name.startswith("arn:"):
        return name
    bare = name.removeprefix("alias/") if ":alias/" in place else name
    head = place.removesuffix("*/*") if place == "s3:::*/*" else place.removesuffix("*")
    return f"arn:{intent.partition}:{head}{bare}{'/x' if place == 's3:::*/*' else ''}"


def _tags(params: Mapping[str, Any]) -> dict[str, str]:
    """The tags that a call sets, in any of the forms in which services take them."""
    for whole in (params.get("tags"), params.get("Tags")):
        if isinstance(whole, Mapping):
            return {str(key): str(value) for key, value in whole.items()}
    found: dict[str, str] = {}
    for key, value in (("Key", "Value"), ("key", "value"), ("TagKey", "TagValue")):
        found |= {str(one[key]): str(one[value]) for one in _mappings(params) if {key, value} <= set(one)}
    return found


def _mappings(data: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(data, Mapping):
        yield data
    for below in data.values() if isinstance(data, Mapping) else data if isinstance(data, list) else ():
        yield from _mappings(below)


def _beside(seen: Record, call: str, params: Mapping[str, Any]) -> Iterator[Request]:
    """What IAM is asked beside the call itself: tagging at birth, and passing a role to a service."""
    intent, (service, operation) = seen.intent, call.split(":")
    if service == "ec2" and "TagSpecifications" in params:
        context = {"ec2:CreateAction": (operation,)}
        arn = f"arn:{intent.partition}:ec2:{intent.region}:{intent.account}"
        yield from (Request("ec2:CreateTags", f"{arn}:{one['ResourceType']}/x-1", context=context)
                    for one in params["TagSpecifications"])  # fmt: skip
    passed = {"ec2:CreateFlowLogs": ("DeliverLogsPermissionArn", "vpc-flow-logs.amazonaws.com"),
              "iam:AddRoleToInstanceProfile": ("RoleName", "")}.get(call)  # fmt: skip
    if passed and params.get(passed[0]):
        suffix = "amazonaws.com.cn" if intent.partition == "aws-cn" else "amazonaws.com"
        role = str(params[passed[0]])
        arn = role if role.startswith("arn:") else intent.arn("iam", f"role/{role}", region="")
        yield Request("iam:PassRole", arn, context={"iam:PassedToService": (passed[1] or f"ec2.{suffix}",)})
