"""The evaluator of IAM policies, case by case: each file under cases/ is one theme of the IAM reference."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from airgap.errors import AirgapError
from airgap.model.policy import FULL_ACCESS, MalformedPolicy, Request, canonical, evaluate, parse

CASES = [
    pytest.param(case, id=f"{path.stem}: {case['name']}")
    for path in sorted((Path(__file__).parent / "cases").glob("policy_*.json"))
    for case in json.loads(path.read_text(encoding="utf-8"))
]


def request_of(raw: dict[str, Any]) -> Request:
    """The request that a case file writes."""
    context = {key: tuple(values) for key, values in raw.get("context", {}).items()}
    return Request(**{**raw, "context": context})


@pytest.mark.parametrize("case", CASES)
def test_case(case: dict[str, Any]) -> None:
    """Each case has its outcome, and has it in canonical form too."""
    request = request_of(case["request"])
    decision = evaluate(parse(case["policy"]), request)
    assert decision.outcome == case["outcome"], decision
    assert evaluate(parse(canonical(case["policy"])), request).outcome == case["outcome"]
    if "statement" in case:
        assert decision.statement == case["statement"]


def test_there_are_cases() -> None:
    """The files were found, with names that are told apart."""
    names = [case.values[0]["name"] for case in CASES]
    assert len(names) >= 60
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "{}",
        '{"Statement": [{"Effect": "Maybe", "Action": "*"}]}',
        '{"Statement": [{"Effect": "Allow"}]}',
        '{"Statement": [{"Effect": "Allow", "Action": []}]}',
        '{"Statement": [{"Effect": "Allow", "Action": "*", "NotAction": "x:y"}]}',
        '{"Statement": [{"Effect": "Allow", "Action": "*", "Effect": "Deny"}]}',
        '{"Statement": [{"Effect": "Allow", "Action": "*", "Principal": "me"}]}',
        '{"Statement": [{"Effect": "Allow", "Action": "*", "Principal": {"*": "*"}}]}',
        '{"Statement": [{"Effect": "Allow", "Action": "*", "Condition": {"Bool": "true"}}]}',
        '{"Statement": [{"Effect": "Allow", "Action": {"a": "b"}}]}',
        '{"Version": "2020-01-01", "Statement": []}',
        '{"Statement": ["*"]}',
    ],
)
def test_malformed(text: str) -> None:
    """What AWS would refuse is an error that a person can read, never an empty policy."""
    with pytest.raises(MalformedPolicy) as caught:
        parse(text)
    assert isinstance(caught.value, AirgapError)
    assert isinstance(caught.value, ValueError)


def test_unknown_top_level_element_is_unknown() -> None:
    """An element of the document that is not understood leaves nothing decided."""
    policy = parse({**FULL_ACCESS, "Scope": "x"})
    assert evaluate(policy, Request("s3:GetObject")).outcome == "unknown"


def test_reason_names_what_is_open() -> None:
    """An unknown decision says which element could not be decided."""
    statement = {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"StringMystery": {"a:b": "c"}}}
    decision = evaluate(parse({"Version": "2012-10-17", "Statement": statement}), Request("s3:GetObject"))
    assert decision.reason == "whether 'statement 1' applies is not known: StringMystery a:b"


AWS_REFORMATS = [
    ({"Action": "s3:GetObject"}, {"Action": ["s3:GetObject"]}),
    ({"Action": ["s3:B", "s3:A"]}, {"Action": ["s3:A", "s3:B"]}),
    ({"Action": "S3:getobject"}, {"Action": "s3:GetObject"}),
    ({"Sid": ""}, {}),
    ({"Principal": {"AWS": "123456789012"}}, {"Principal": {"AWS": "arn:aws:iam::123456789012:root"}}),
    ({"Principal": {"AWS": ["111111111111"]}}, {"Principal": {"AWS": "111111111111"}}),
    (
        {"Condition": {"Bool": {"aws:SecureTransport": False}}},
        {"Condition": {"Bool": {"aws:securetransport": ["false"]}}},
    ),
    ({"Condition": {}}, {}),
]


@pytest.mark.parametrize(("declared", "read"), AWS_REFORMATS)
def test_canonical_hides_reformatting(declared: dict[str, Any], read: dict[str, Any]) -> None:
    """Two spellings that AWS treats as one have one canonical form."""
    base = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
    first, second = {**base, **declared}, {**base, **read}
    assert canonical({"Statement": [first]}) == canonical({"Version": "2008-10-17", "Statement": second, "Id": ""})


@pytest.mark.parametrize(
    "change",
    [
        {"Effect": "Deny"},
        {"Resource": "arn:aws:s3:::b"},
        {"Condition": {"Bool": {"aws:SecureTransport": "true"}}},
        {"Principal": {"AWS": "*"}},
        {"Sid": "Named"},
    ],
)
def test_canonical_shows_changes(change: dict[str, Any]) -> None:
    """What changes the meaning, or the name that reports use, changes the form."""
    base = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*", "Principal": "*"}
    assert canonical({"Statement": base}) != canonical({"Statement": {**base, **change}})
