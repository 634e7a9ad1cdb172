"""Rules on copies that services make and on doors that policies open: no packet filter sees any of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from airgap.egress.facts import Document
from airgap.egress.ways import View, Way


class Told(NamedTuple):
    """An answer in which every foreign ARN, foreign bucket and URL is a place that data goes to."""

    channel: str
    call: str
    what: str


TOLD = (
    Told("N3", "s3:GetBucketReplication", "objects are replicated to"),
    Told("N3", "s3:ListBucketInventoryConfigurations", "an inventory is written to"),
    Told("N3", "s3:ListBucketAnalyticsConfigurations", "an analysis is written to"),
    Told("N3", "s3:GetBucketNotificationConfiguration", "events are sent to"),
    Told("N6", "backup:GetBackupPlan", "backups are copied to"),
    Told("N6", "backup:ListCopyJobs", "a backup was copied to"),
    Told("N8", "glue:GetConnections", "jobs connect to"),
    Told("N9", "events:ListTargetsByRule", "events are sent to"),
    Told("N9", "pipes:DescribePipe", "events are piped to"),
    Told("N9", "firehose:DescribeDeliveryStream", "a stream delivers to"),
    Told("N10", "logs:DescribeSubscriptionFilters", "logs are sent to"),
    Told("N10", "logs:DescribeDestinations", "logs are sent to"),
    Told("N10", "logs:DescribeDeliveries", "logs are delivered to"),
    Told("N10", "logs:DescribeAccountPolicies", "logs are sent to"),
    Told("N10", "cloudwatch:ListMetricStreams", "metrics are streamed to"),
    Told("N10", "ec2:DescribeFlowLogs", "flow logs are sent to"),
    Told("N12", "dynamodb:DescribeKinesisStreamingDestination", "changes are streamed to"),
    Told("N12", "dynamodb:ListExports", "a table is exported to"),
)


class Opened(NamedTuple):
    """A resource's policy: the call that answers it, the member with the document, and an action to ask about."""

    channel: str
    call: str
    member: str
    action: str


OPENED = (
    Opened("N3", "s3:GetBucketPolicy", "Policy", "s3:GetObject"),
    Opened("N4", "ecr:GetRegistryPolicy", "policyText", "ecr:ReplicateImage"),
    Opened("N4", "ecr:GetRepositoryPolicy", "policyText", "ecr:BatchGetImage"),
    Opened("N6", "backup:GetBackupVaultAccessPolicy", "Policy", "backup:CopyFromBackupVault"),
    Opened("N7", "kms:GetKeyPolicy", "Policy", "kms:Decrypt"),
    Opened("N7", "secretsmanager:GetResourcePolicy", "ResourcePolicy", "secretsmanager:GetSecretValue"),
    Opened("N9", "sns:GetTopicAttributes", "Attributes.Policy", "sns:Subscribe"),
    Opened("N9", "sqs:GetQueueAttributes", "Attributes.Policy", "sqs:ReceiveMessage"),
    Opened("N9", "events:DescribeEventBus", "Policy", "events:PutRule"),
    Opened("P19", "vpc-lattice:GetAuthPolicy", "policy", "vpc-lattice-svcs:Invoke"),
    Opened("P19", "vpc-lattice:GetResourcePolicy", "policy", "vpc-lattice:CreateServiceNetworkVpcAssociation"),
)


def told(channel: str, view: View) -> Iterator[Way]:
    """Yield each foreign place that an answer of a channel names."""
    for row in TOLD:
        for answer in view.answers(row.call) if row.channel == channel else ():
            for place, decided in dict.fromkeys(view.strangers(answer.body)):
                yield Way(_subject(answer), f"{row.what} {place}", f"remove {place}", decided=decided)


def opened(channel: str, view: View) -> Iterator[Way]:
    """Yield each outsider whom a resource's policy admits."""
    for row in OPENED:
        for answer in view.answers(row.call) if row.channel == channel else ():
            document: Any = answer.body
            for member in row.member.split("."):
                document = (document or {}).get(member)
            for who, decided in view.outsiders(document, row.action) if document else ():
                what = f"its policy {'admits' if decided else 'may admit'} {who}"
                yield Way(_subject(answer), what, "bound the statement to own accounts", decided=decided)


def _subject(answer: Document) -> str:
    return str(next(iter(answer.params.values()), answer.call))


def buckets(view: View) -> Iterator[Way]:
    """N3: buckets whose ACL admits others, or whose access logs go to a bucket that is not ours."""
    own = view.buckets()
    for answer in view.answers("s3:GetBucketAcl"):
        owner = (answer.body.get("Owner") or {}).get("ID")
        for grant in answer.body.get("Grants") or []:
            who = grant.get("Grantee") or {}
            if who.get("URI", "").endswith("/LogDelivery"):
                continue
            if who.get("ID") != owner or who.get("URI"):
                yield Way(_subject(answer), f"its ACL admits {who.get('URI') or who.get('ID')}", "remove the grant")
    for answer in view.answers("s3:GetBucketLogging"):
        where = (answer.body.get("LoggingEnabled") or {}).get("TargetBucket")
        if where and where not in (own or ()):
            what = f"its accesses are logged to {where}"
            yield Way(_subject(answer), what, "log to an own bucket", decided=own is not None)
    for one in view.items("s3control:ListAccessPoints", "AccessPointList"):
        if view.foreign(one.get("BucketAccountId")):
            yield Way(str(one.get("Name")), f"leads to a bucket of account {one['BucketAccountId']}", "delete it")


def registry(view: View) -> Iterator[Way]:
    """N4: images replicated to other registries."""
    for answer in view.answers("ecr:DescribeRegistry"):
        for rule in (answer.body.get("replicationConfiguration") or {}).get("rules") or []:
            for place in rule.get("destinations") or []:
                if view.foreign(place.get("registryId")) or place.get("region") != answer.region:
                    what = f"images are replicated to {place.get('registryId')} in {place.get('region')}"
                    yield Way(str(answer.body.get("registryId")), what, "remove the destination")


def images(view: View) -> Iterator[Way]:
    """N5: volumes, images and database snapshots that others may use."""
    for call, member in (("ec2:DescribeSnapshotAttribute", "CreateVolumePermissions"),
                         ("ec2:DescribeImageAttribute", "LaunchPermissions")):  # fmt: skip
        for answer in view.answers(call):
            for one in answer.body.get(member) or []:
                if one.get("Group") == "all" or view.foreign(one.get("UserId")) or one.get("OrganizationArn"):
                    yield Way(_subject(answer), f"shared with {', '.join(map(str, one.values()))}", "end the sharing")
    for answer in view.answers("rds:DescribeDBSnapshotAttributes"):
        yield from _database(answer, "DBSnapshotAttributesResult", "DBSnapshotAttributes", view)
    for answer in view.answers("rds:DescribeDBClusterSnapshotAttributes"):
        yield from _database(answer, "DBClusterSnapshotAttributesResult", "DBClusterSnapshotAttributes", view)

    for answer in view.answers("dlm:GetLifecyclePolicy"):
        for schedule in ((answer.body.get("Policy") or {}).get("PolicyDetails") or {}).get("Schedules") or []:
            places = [
                each.get("Target") or each.get("TargetRegion") for each in schedule.get("CrossRegionCopyRules") or []
            ]
            people = [who for each in schedule.get("ShareRules") or [] for who in each.get("TargetAccounts") or []]
            for place in [*places, *filter(view.foreign, people)]:
                yield Way(_subject(answer), f"snapshots are copied or shared to {place}", f"remove {place}")


def _database(answer: Document, outer: str, inner: str, view: View) -> Iterator[Way]:
    for one in (answer.body.get(outer) or {}).get(inner) or []:
        for who in one.get("AttributeValues") or []:
            if one.get("AttributeName") == "restore" and (who == "all" or view.foreign(who)):
                yield Way(_subject(answer), f"shared with {who}", "end the sharing")


def keys(view: View) -> Iterator[Way]:
    """N7: grants to outsiders, and secrets and keys that stand in other Regions too."""
    for one in view.items("kms:ListGrants", "Grants"):
        for who, _ in view.strangers([one.get("GranteePrincipal"), one.get("RetiringPrincipal")]):
            yield Way(str(one.get("KeyId")), f"a grant to {who}", f"revoke grant {one.get('GrantId')}")
    for answer in view.answers("secretsmanager:DescribeSecret"):
        for one in answer.body.get("ReplicationStatus") or []:
            yield Way(_subject(answer), f"the secret is replicated to {one.get('Region')}", "remove the replica")
    for answer in view.answers("ssm:GetResourcePolicies"):
        for one in answer.body.get("Policies") or []:
            for who, decided in view.outsiders(one.get("Policy"), "ssm:GetParameter"):
                yield Way(_subject(answer), f"the parameter is open to {who}", "end the sharing", decided=decided)
    for answer in view.answers("kms:DescribeKey"):
        replicas = ((answer.body.get("KeyMetadata") or {}).get("MultiRegionConfiguration") or {}).get("ReplicaKeys")
        for one in replicas or []:
            yield Way(_subject(answer), f"the key has a replica in {one.get('Region')}", "delete the replica")


def relays(view: View) -> Iterator[Way]:
    """N8: code that runs where no subnet of ours bounds it, with the internet before it."""
    for one in view.items("lambda:ListFunctions", "Functions"):
        if not (one.get("VpcConfig") or {}).get("SubnetIds"):
            yield Way(str(one.get("FunctionArn")), "the function runs outside the VPC", "give it subnets")
    for one in view.items("lambda:ListFunctionUrlConfigs", "FunctionUrlConfigs"):
        yield Way(str(one.get("FunctionArn")), "the function answers at a URL", "delete the URL")
    for answer in view.answers("stepfunctions:DescribeStateMachine"):
        if "http:invoke" in str(answer.body.get("definition")):
            yield Way(str(answer.body.get("stateMachineArn")), "the state machine calls URLs", "remove those states")
    for one in view.items("codebuild:BatchGetProjects", "projects"):
        if not (one.get("vpcConfig") or {}).get("subnets"):
            yield Way(str(one.get("arn")), "builds run outside the VPC", "give the project subnets")
    for one in view.items("glue:GetJobs", "Jobs"):
        if not (one.get("Connections") or {}).get("Connections"):
            yield Way(str(one.get("Name")), "the job runs outside the VPC", "give it a connection into the VPC")
    for one in view.items("sagemaker:ListNotebookInstances", "NotebookInstances"):
        yield Way(str(one.get("NotebookInstanceName")), "a notebook may reach the internet", "delete it", decided=False)


def messages(view: View) -> Iterator[Way]:
    """N9: subscriptions that leave AWS or the account."""
    for one in view.items("sns:ListSubscriptions", "Subscriptions"):
        endpoint, protocol = str(one.get("Endpoint", "")), str(one.get("Protocol", ""))
        if protocol not in ("sqs", "lambda", "firehose") or any(view.strangers(endpoint)):
            yield Way(str(one.get("TopicArn")), f"messages go to {protocol} {endpoint}", "remove the subscription")


def logs(view: View) -> Iterator[Way]:
    """N10: trails and recorders that write to a bucket that is not ours."""
    own = view.buckets()
    for call, member, name in (("cloudtrail:DescribeTrails", "trailList", "S3BucketName"),
                               ("config:DescribeDeliveryChannels", "DeliveryChannels", "s3BucketName"),
                               ("logs:DescribeExportTasks", "exportTasks", "destination")):  # fmt: skip
        for one in view.items(call, member):
            if one.get(name) and one[name] not in (own or ()):
                yield Way(str(one.get("Name") or one.get("name") or one.get("taskName")), f"writes to {one[name]}",
                          "write to an own bucket", decided=own is not None)  # fmt: skip


def operators(view: View) -> Iterator[Way]:
    """N11: documents shared with others, and the serial console."""
    for answer in view.answers("ssm:DescribeDocumentPermission"):
        for who in answer.body.get("AccountIds") or []:
            if who == "all" or view.foreign(who):
                yield Way(_subject(answer), f"the document is shared with {who}", "end the sharing")
    for answer in view.answers("ec2:GetSerialConsoleAccessStatus"):
        if answer.body.get("SerialConsoleAccessEnabled"):
            yield Way("serial console", "operators reach instances by no network", "disable it")


def trust(view: View) -> Iterator[Way]:
    """N13: roles that outsiders may take on, and providers of identities other than own clusters'."""
    for answer in view.answers("iam:GetAccountAuthorizationDetails"):
        for role in answer.body.get("RoleDetailList") or []:
            document = role.get("AssumeRolePolicyDocument")
            text = json.dumps(document) if isinstance(document, Mapping) else document
            for who, decided in view.outsiders(text, "sts:AssumeRole") if text else ():
                what = f"the role {'may be' if decided else 'might be'} taken on by {who}"
                yield Way(str(role.get("Arn")), what, "name own accounts alone", decided=decided)
    for one in view.items("iam:ListOpenIDConnectProviders", "OpenIDConnectProviderList"):
        if "oidc.eks." not in str(one.get("Arn")):
            yield Way(str(one.get("Arn")), "identities of this provider are trusted", "delete the provider")


RULES: Mapping[str, Callable[[View], Iterator[Way]]] = {
    "N3": buckets,
    "N4": registry,
    "N5": images,
    "N7": keys,
    "N8": relays,
    "N9": messages,
    "N10": logs,
    "N11": operators,
    "N13": trust,
}
