"""What a policy grants and to whom: administrators, wildcards, and principals from elsewhere."""

from __future__ import annotations

from typing import Any

import pytest

from airgap.model.policy import parse
from airgap.model.policy_lint import actions, foreign_principals, grants_admin, wildcard_grants

OWN = "111111111111"
BASE = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}


def policy(*statements: dict[str, Any]) -> Any:
    """A policy of these statements."""
    return parse({"Version": "2012-10-17", "Statement": list(statements)})


@pytest.mark.parametrize(
    ("statement", "admin"),
    [
        ({"Action": "*", "Resource": "*"}, True),
        ({"Action": ["s3:*", "*:*"], "Resource": ["*"]}, True),
        ({"NotAction": "iam:*", "Resource": "*"}, True),
        ({"Action": "*", "Resource": "*", "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}}, True),
        ({"Action": "*", "NotResource": "arn:aws:s3:::b"}, True),
        ({"Action": "*", "Resource": "arn:aws:s3:::b"}, False),
        ({"Action": "s3:*", "Resource": "*"}, False),
        ({"Effect": "Deny", "Action": "*", "Resource": "*"}, False),
    ],
)
def test_grants_admin(statement: dict[str, Any], admin: bool) -> None:
    """Every action on every resource is administration, whatever the spelling."""
    assert grants_admin(policy({"Effect": "Allow", **statement})) is admin


@pytest.mark.parametrize(
    ("statement", "sentences"),
    [
        ({"Action": "s3:GetObject", "Resource": "*"}, []),
        ({"Action": "s3:PutObject", "Resource": "arn:aws:s3:::b/*"}, []),
        (
            {"Action": "s3:PutObject", "Resource": "*"},
            ["'statement 1' allows the write s3:PutObject on every resource without a condition"],
        ),
        ({"Action": "s3:PutObject", "Resource": "*", "Condition": {"Bool": {"a:b": "true"}}}, []),
        (
            {"Sid": "All", "Action": "bedrock:*", "Resource": "arn:aws:bedrock:::x"},
            ["'All' allows every action (bedrock:*) on arn:aws:bedrock:::x"],
        ),
        (
            {"NotAction": "iam:*", "Resource": "*"},
            ["'statement 1' allows every action but those it excepts (*) on *"],
        ),
        ({"Effect": "Deny", "Action": "*", "Resource": "*"}, []),
    ],
)
def test_wildcard_grants(statement: dict[str, Any], sentences: list[str]) -> None:
    """Only grants that are too wide are named, each in one sentence."""
    assert wildcard_grants(policy({"Effect": "Allow", **statement})) == sentences


def test_actions() -> None:
    """Every pair of action and resource is one grant; Not elements are widened and say so."""
    but = {"Effect": "Allow", "Action": "s3:GetObject", "NotResource": "x"}
    found = list(actions(policy({**BASE, "Action": ["a:b", "a:c"]}, but)))
    assert [(grant.action, grant.resource, grant.exact) for grant in found] == [
        ("a:b", "*", True),
        ("a:c", "*", True),
        ("s3:GetObject", "*", False),
    ]


def when(operator: str, key: str, value: Any) -> dict[str, Any]:
    """A condition block of one key."""
    return {"Condition": {operator: {key: value}}}


@pytest.mark.parametrize(
    "statement",
    [
        {"Principal": {"AWS": OWN}},
        {"Principal": {"AWS": f"arn:aws:iam::{OWN}:role/app"}},
        {"Principal": {"Federated": f"arn:aws:iam::{OWN}:oidc-provider/oidc.eks"}},
        {"Principal": "*", **when("StringEquals", "aws:PrincipalOrgID", "o-own")},
        {"Principal": "*", **when("StringEquals", "aws:PrincipalAccount", [OWN])},
        {"Principal": "*", **when("StringEquals", "aws:SourceAccount", OWN)},
        {"Principal": {"AWS": "*"}, **when("StringEquals", "kms:CallerAccount", OWN)},
        {"Principal": "*", **when("ForAnyValue:StringLike", "aws:PrincipalOrgPaths", "o-own/r-1/*")},
        {"Principal": "*", **when("ArnLike", "aws:PrincipalArn", f"arn:aws:iam::{OWN}:role/*")},
        {"Principal": {"AWS": "222222222222"}, **when("StringEquals", "aws:PrincipalOrgID", "o-own")},
    ],
)
def test_own_principals(statement: dict[str, Any]) -> None:
    """A statement that admits own callers alone admits nobody foreign."""
    assert foreign_principals(policy({**BASE, **statement}), {OWN}, "o-own").foreign == ()


@pytest.mark.parametrize(
    "statement",
    [
        {"Principal": "*"},
        {"Principal": {"AWS": "*"}},
        {"Principal": {"AWS": ["222222222222", OWN]}},
        {"Principal": {"AWS": "arn:aws:iam::222222222222:role/x"}},
        {"Principal": {"Federated": "accounts.example"}},
        {"NotPrincipal": {"AWS": OWN}},
        {"Principal": "*", **when("StringEquals", "aws:PrincipalOrgID", "o-other")},
        {"Principal": "*", **when("StringEquals", "aws:PrincipalOrgID", ["o-own", "o-other"])},
        {"Principal": "*", **when("StringEqualsIfExists", "aws:PrincipalOrgID", "o-own")},
        {"Principal": "*", **when("StringLike", "aws:PrincipalOrgID", "o-*")},
        {"Principal": "*", **when("StringNotEquals", "aws:PrincipalOrgID", "o-own")},
        {"Principal": "*", **when("ForAllValues:StringLike", "aws:PrincipalOrgPaths", "o-own/*")},
        {"Principal": "*", **when("StringEquals", "aws:SourceVpce", "vpce-1")},
        {"Principal": "*", **when("StringEquals", "aws:SourceAccount", "222222222222")},
        {"Principal": "*", **when("Null", "aws:PrincipalAccount", "true")},
        {"Principal": "*", **when("ArnLike", "aws:PrincipalArn", "arn:aws:iam::*:role/app")},
        {"Principal": {"AWS": "222222222222"}, **when("StringMystery", "a:b", "c")},
    ],
)
def test_foreign_principals(statement: dict[str, Any]) -> None:
    """A statement that a foreign caller could meet is named."""
    assert len(foreign_principals(policy({**BASE, **statement}), {OWN}, "o-own").foreign) == 1


@pytest.mark.parametrize(
    ("deny", "foreign"),
    [
        ({"Action": "s3:*", "Resource": "*", **when("StringNotEquals", "aws:PrincipalOrgID", "o-own")}, 0),
        ({"Action": "s3:PutObject", "Resource": "*", **when("StringNotEquals", "aws:PrincipalOrgID", "o-own")}, 1),
        ({"Action": "s3:*", "Resource": "arn:x", **when("StringNotEquals", "aws:PrincipalOrgID", "o-own")}, 1),
        ({"Action": "s3:*", "Resource": "*", **when("StringNotEquals", "aws:PrincipalOrgID", ["o-own", "o-2"])}, 1),
        ({"Action": "s3:*", "Resource": "*", **when("StringNotEqualsIfExists", "aws:PrincipalOrgID", "o-own")}, 0),
        ({"Action": "s3:*", "Resource": "*", **when("StringNotEquals", "aws:SourceVpce", "vpce-1")}, 1),
    ],
)
def test_a_deny_takes_back(deny: dict[str, Any], foreign: int) -> None:
    """A Deny counts only when it surely covers the whole Allow for every stranger."""
    document = policy({**BASE, "Principal": "*"}, {"Effect": "Deny", "Principal": "*", **deny})
    assert len(foreign_principals(document, {OWN}, "o-own").foreign) == foreign


@pytest.mark.parametrize(
    ("condition", "limited"),
    [
        ({}, False),
        (when("StringEquals", "aws:SourceAccount", OWN), True),
        (when("StringEqualsIfExists", "aws:SourceAccount", OWN), False),
        (when("ArnLike", "aws:SourceArn", f"arn:aws:logs:*:{OWN}:*"), True),
        (when("ArnLike", "aws:SourceArn", "arn:aws:logs:*:*:*"), False),
        (when("StringEquals", "aws:SourceAccount", "222222222222"), False),
        (when("StringEquals", "aws:SourceOrgID", "o-own"), True),
    ],
)
def test_services_stand_apart(condition: dict[str, Any], limited: bool) -> None:
    """A service principal is listed with whether it must act for us, and is not foreign."""
    found = foreign_principals(
        policy({**BASE, "Principal": {"Service": "logs.amazonaws.com"}, **condition}), {OWN}, "o-own"
    )
    assert found.foreign == ()
    assert [(each.service, each.limited) for each in found.services] == [("logs.amazonaws.com", limited)]


def test_deleted_principals_are_unresolved() -> None:
    """The id that a re-created role leaves behind belongs to nobody that can be named."""
    found = foreign_principals(policy({**BASE, "Principal": {"AWS": "AROAABCDEFGHIJKLMNOPQ"}}), {OWN})
    assert found.foreign == ()
    assert len(found.unresolved) == 1
