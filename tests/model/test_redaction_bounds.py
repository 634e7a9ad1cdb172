"""What redaction must never do: hide what checks need, change what is settled, or take long."""

from __future__ import annotations

import base64
import hashlib
import random
import string
import time
import uuid
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airgap.model.canonical import encode
from airgap.model.redaction import Redactor, _worth_hiding, scan
from airgap.model.secret_forms import FORMS, MARK

DICE = random.Random(20261123)
SECRET = "wJalrXUtnFEMI/K7MDENG+bPx"


def some(length: int, alphabet: str = string.ascii_letters + string.digits) -> str:
    return "".join(DICE.choices(alphabet, k=length))


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


# What checks need


SECRET_ARN = "arn:aws:secretsmanager:us-east-1:012345678901:secret:fintech/prod/db-AbCdEf"
CERTIFICATE = "-----BEGIN CERTIFICATE-----\n" + b64(some(900)) + "\n-----END CERTIFICATE-----\n"
NEEDED: list[Any] = [
    {"PasswordPolicy": {"MinimumPasswordLength": 14, "MaxPasswordAge": 90}, "PasswordLastUsed": "2026-11-23T08:50:12Z"},
    {"Tags": [{"Key": "airgap:key", "Value": "vpc:main"}, {"Key": "Name", "Value": "fintech-secret-store"}]},
    {"KeyId": str(uuid.uuid4()), "KmsKeyId": "arn:aws:kms:us-east-1:012345678901:key/" + str(uuid.uuid4())},
    {"MasterUserSecret": {"SecretArn": SECRET_ARN, "SecretStatus": "active"}},
    {"SecretList": [{"Name": "fintech/prod/db", "ARN": SECRET_ARN}]},
    {"Digest": hashlib.sha256(b"x").hexdigest(), "imageDigest": "sha256:" + hashlib.sha256(b"y").hexdigest()},
    {"RequestId": str(uuid.uuid4()), "AmazonId2": some(76)},
    {"RoleId": "AROA" + some(17, string.ascii_uppercase), "UserId": "AIDA" + some(17, string.ascii_uppercase) + ":ann"},
    {"certificateAuthority": {"data": b64(CERTIFICATE)}},
    {"Certificate": CERTIFICATE},
    {"PublicKey": "-----BEGIN PUBLIC KEY-----\n" + b64(some(90)) + "\n-----END PUBLIC KEY-----\n"},
    {"encryptionConfig": [{"resources": ["secrets"], "provider": {"keyArn": "arn:aws:kms:us-east-1:0:key/k"}}]},
    {"NextToken": some(200), "ClientToken": str(uuid.uuid4()), "IdempotencyToken": some(32)},
    {"HttpTokens": "required", "HttpPutResponseHopLimit": 1},
    {"oidc": {"issuer": "https://oidc.eks.us-east-1.amazonaws.com/id/" + some(32, "0123456789ABCDEF")}},
    {"endpoint": "https://host:443/path?email=a@b", "git": "ssh://git@github.example/repo.git", "s": "s3://bucket/a:b@c"},
    {"remoteRef": {"key": "fintech/prod/db", "property": "password"}, "secretKey": "password"},
    {"Parameter": {"ParameterName": "password_encryption", "ParameterValue": "scram-sha-256"}},
    {"text": "GetSecretValue needs the session token; password = settings.password; bearer authentication"},
    {"Statement": [{"Action": ["iam:UpdateLoginProfile", "sts:GetSessionToken"], "Resource": "*"}]},
    {"Service": "com.amazonaws.us-east-1.secretsmanager", "Name": "secretsmanager.us-east-1.amazonaws.com"},
    {"DnsEntry": "vpce-0a1b2c3d4e5f60718-abcdefgh.ecr.api.us-east-1.vpce.amazonaws.com", "sg": "sg-0a1b2c3d4e5f60718"},
    {"author": "x", "auth": {"mode": "API"}, "authenticationMode": "API", "rotation_secret": False},
]  # fmt: skip


@pytest.mark.parametrize("page", NEEDED, ids=lambda page: "-".join(page)[:40])
def test_what_checks_need_is_shown(page: dict[str, Any]) -> None:
    assert Redactor([SECRET]).redact(page, []) == (page, [])
    assert scan(encode(page)) == []


def test_key_ids_and_public_parameters_are_shown_although_the_model_marks_them() -> None:
    page = {
        "Rule": {"KMSMasterKeyID": "arn:aws:kms:us-east-1:012345678901:key/k"},
        "Parameters": [
            {"Name": "/aws/service/eks/optimized-ami/1.34/x/image_id", "Value": "ami-0a1b2c3d4e5f60718"},
            {"Name": "/fintech/db", "Value": "anything"},
        ],
    }
    shown, paths = Redactor().redact(page, ["Rule.KMSMasterKeyID", "Parameters[0].Value", "Parameters[1].Value"])
    assert paths == ["Parameters[1].Value"]
    assert shown["Rule"] == page["Rule"]


def test_what_is_shown_by_name_is_still_searched_for_secrets() -> None:
    shown, _ = Redactor([SECRET]).redact({"KeyId": f"alias/{SECRET}"}, ["KeyId"])
    assert shown == {"KeyId": f"alias/{MARK}"}


def test_base64_noise_is_not_taken_for_a_secret() -> None:
    noise = "\n".join(b64(some(48)) for _ in range(4_000))
    assert scan(noise) == []
    assert Redactor([SECRET]).text(noise) == noise


# Properties


WORDS = st.sampled_from(
    ["password", "=", ":", '"', "'", "\\", "AKIA", "ABCDEFGHIJKLMNOP", "https://", "u:p1!x@", "@", "/", "Bearer ", MARK,
     "-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----", "eyJhbGciOiJI", ".", "X-Amz-Signature", "%3D", "%26",
     "&", "Signature=", "SessionToken", "k8s-aws-v1.", "abcdefgh12345678", " ", "\n", "hunter2!", "[", "]", "<td>",
     "</td>", "secretvalue", "auth", "IQoJb3JpZ2lu", "redacted", "ghp_", "x" * 40, "Authorization", "basic "]
)  # fmt: skip
TEXTS = st.one_of(st.text(max_size=30), st.lists(WORDS, max_size=12).map("".join))
KEYS = st.one_of(
    st.sampled_from(["Password", "UserData", "Name", "Value", "AccessKeyId", "SecretAccessKey", "KeyId"]), TEXTS
)
DATA = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(KEYS, inner, max_size=4)),
    max_leaves=12,
)


def shape(value: Any) -> Any:
    """Return data with every leaf left out: what redaction must keep."""
    if isinstance(value, dict):
        return [shape(item) for item in value.values()]
    return [shape(item) for item in value] if isinstance(value, list) else 0


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(DATA, st.lists(st.sampled_from(["Password", "Name", "KeyId", "[0]", ""]), max_size=2))
def test_redacting_twice_is_redacting_once(data: Any, sensitive: list[str]) -> None:
    redactor = Redactor(["hunter2!", "secretvalue"])
    once, paths = redactor.redact(data, sensitive)
    twice, again = redactor.redact(once, sensitive)
    assert twice == once
    assert shape(once) == shape(data)
    if not any(MARK in path for path in paths):
        assert again == paths


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(TEXTS)
def test_messages_are_settled_and_hold_nothing_that_the_scan_knows(text: str) -> None:
    redactor = Redactor(["hunter2!", "secretvalue"])
    shown = redactor.text(text)
    assert redactor.text(shown) == shown
    assert redactor.scan(shown) == []


@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(DATA)
def test_redaction_is_deterministic(data: Any) -> None:
    assert Redactor(["hunter2!"]).redact(data, []) == Redactor(["hunter2!"]).redact(data, [])


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(
    st.text(min_size=6, max_size=40).filter(_worth_hiding),
    st.binary(max_size=7),
    TEXTS,
)
def test_a_learned_value_never_survives(secret: str, before: bytes, around: str) -> None:
    redactor = Redactor([secret])
    held = base64.b64encode(before + secret.encode() + b"rest").decode()
    shown = redactor.text(f"{around}{secret}{around} {held}")
    assert MARK in shown
    assert secret not in shown
    assert held not in shown


# Speed


def test_two_megabytes_of_pages_take_well_under_a_second() -> None:
    subnets = [
        {"SubnetId": f"subnet-{number:017x}", "CidrBlock": "10.0.0.0/24", "MapPublicIpOnLaunch": False,
         "Arn": f"arn:aws:ec2:us-east-1:012345678901:subnet/subnet-{number:017x}",
         "Tags": [{"Key": "Name", "Value": f"a-{number}"}, {"Key": "airgap:key", "Value": f"subnet:{number}"}]}
        for number in range(9_000)
    ]  # fmt: skip
    redactor = Redactor([some(40), some(400)])
    pages = [{"Subnets": subnets}, {"Subnets": subnets, "Note": "https://x password token AKIA secret"}]
    assert len(encode(pages[0])) > 2_000_000
    for page in pages:
        started = time.process_time()
        assert redactor.redact(page, []) == (page, [])
        assert time.process_time() - started < 3.0, "a bound for a loaded machine; it takes about a fifth of it"


CONTRIVED = [
    "a-", "a.b_", "password", "password=", "password ", "<td>password", "bearer ", "authorization: ", "eyJ",
    "eyJaaaaaaaaa.", "AKIA", "https://", "https://a:", "a+", "://", ":a", "@", "-----BEGIN PRIVATE KEY-----",
    "-----BEGIN ", "X-Amz-Signature=", "Signature=", " ", "\\", '"', "secret_access_key", "k8s-aws-v1.", MARK, "x",
    '"auth": "', "IQoJb3JpZ2lu", "A", "1", "LS0tLS1CRUdJTi",
]  # fmt: skip


@pytest.mark.parametrize("piece", CONTRIVED)
def test_no_text_takes_more_than_linear_time(piece: str) -> None:
    started = time.process_time()
    for form in FORMS:
        text = "".join(form.triggers) + piece * (50_000 // len(piece))
        form.pattern.sub(form.replacement, text)
    assert time.process_time() - started < 3.0, "a bound for a loaded machine; quadratic time takes minutes"


PIECES = [
    "password", "PASSWORD", "presharedkey", "paſſword", "client_secret", "secretAccessKey", "Session_Token", "bearer",
    "Authorization", "basic", "token", "://", "https://", "me", ":", "=", "%3D", '"', "'", "\\", " ", "\n", "\t", "@",
    "a1b2c3d4e5f6g7h8i9j0", "AKIAQWERTZUIOPASDFGH", "/", "&", "<td>", "</td>", "x", "1!",
]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=14).map("".join))
def test_looking_for_a_part_first_finds_all_that_the_forms_find(text: str) -> None:
    """The quick look leaves out no form whose pattern is in the text; a long s and a Kelvin sign fold to letters."""
    for form in FORMS:
        if form.pattern.search(text):
            assert form.stands(text.casefold()), form.kind
