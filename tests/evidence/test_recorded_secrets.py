"""Secrets planted in every input of the recorder are found in no file of the run."""

from __future__ import annotations

import base64
import json
import random
import string
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from airgap.cloud.failures import Failure
from airgap.cloud.recorder import Recorder
from airgap.evidence.folder import RunFolder
from airgap.evidence.pages import write_index
from airgap.model.redaction import Redactor

DICE = random.Random(7)


def canary(prefix: str = "") -> str:
    return prefix + "".join(DICE.choices(string.ascii_uppercase + "234567", k=20 - len(prefix))) + "x9"


KEYS = {"SecretAccessKey": canary() + canary(), "SessionToken": canary("IQoJb3JpZ2luX2Vj") + canary()}
PASSWORD, DATABASE, ENVIRONMENT, USER_DATA = canary(), canary(), canary(), canary()
KEY_ID = canary("ASIA")[:20]
PLANTED = [*KEYS.values(), PASSWORD, DATABASE, ENVIRONMENT, USER_DATA, KEY_ID]

READS: list[tuple[str, str, dict[str, Any]]] = [
    ("sts", "AssumeRole", {"Credentials": {"AccessKeyId": KEY_ID, **KEYS}}),
    ("sts", "GetCallerIdentity", {"Arn": f"arn:aws:sts::012345678901:assumed-role/r/{KEY_ID}"}),
    ("secretsmanager", "GetSecretValue", {"Name": "db", "SecretString": json.dumps({"password": DATABASE})}),
    ("ec2", "DescribeLaunchTemplateVersions", {"LaunchTemplateVersions": [{"LaunchTemplateData": {
        "UserData": base64.b64encode(f"#!/bin/sh\nexport T={USER_DATA}".encode()).decode(), "ImageId": "ami-1"}}]}),
    ("rds", "DescribeDBInstances", {"DBInstances": [{"PendingModifiedValues": {"MasterUserPassword": PASSWORD}}]}),
    ("ecr", "DescribeRepositories", {"repositories": [{"repositoryName": f"x-{PASSWORD}", "repositoryUri": DATABASE}]}),
    ("s3", "GetBucketEncryption", {"ServerSideEncryptionConfiguration": {"Rules": [
        {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "alias/fintech-data"}}]}}),
]  # fmt: skip


def contents(root: Path) -> Iterator[str]:
    for path in sorted(root.rglob("*")):
        if path.is_file():
            yield f"{path.name}\n{path.read_text(encoding='utf-8')}"


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    """A run in which every planted secret was read, written, refused or named in a parameter."""
    folder = RunFolder.open(tmp_path, "demo", "r")
    journal = folder.step(2, "network").open_journal()
    recorder = Recorder(journal, folder.pages, lambda: "2026-11-23T08:50:12Z", Redactor([ENVIRONMENT]))
    clients = {
        name: boto3.client(name, region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="y")
        for name in {service for service, _, _ in READS}
    }
    for service, operation, answer in READS:
        asked = {"call": f"{service}:{operation}", "params": {"Note": f"for {ENVIRONMENT}"}, "account": "012345678901",
                 "region": "us-east-1", "place": "rehearsal", "vantage": "aws-api", "principal": "p"}  # fmt: skip
        recorder.page(clients[service], operation, asked, answer, 1, True)
    refusal = Failure("denied", "AccessDenied", f"{PASSWORD} and {KEY_ID} and {ENVIRONMENT} are wrong", "r-1")
    recorder.failure(asked, refusal, 1)
    written = recorder.writing("rds:CreateDBInstance", {"MasterUserPassword": PASSWORD}, "db:main", "p", 1)
    recorder.refused(written, refusal)
    write_index(folder.observations_folder, folder.observations())
    folder.write_run({"world": "rehearsal"})
    return folder


@pytest.mark.parametrize("secret", PLANTED, ids=lambda secret: secret[:4])
def test_no_planted_secret_is_in_any_file(run: RunFolder, secret: str) -> None:
    encoded = base64.b64encode(secret.encode()).decode()[:-6]
    for text in contents(run.root):
        assert secret not in text
        assert encoded not in text


def test_what_was_written_is_clean_to_the_scan(run: RunFolder) -> None:
    redactor = Redactor(PLANTED)
    assert [hit for text in contents(run.root) for hit in redactor.scan(text)] == []


def test_each_page_says_what_was_hidden_and_keeps_what_checks_need(run: RunFolder) -> None:
    seen = {one.call: one for one in run.observations() if one.page}
    assert seen["sts:AssumeRole"].redacted == (
        "Credentials.AccessKeyId", "Credentials.SecretAccessKey", "Credentials.SessionToken",
    )  # fmt: skip
    assert seen["secretsmanager:GetSecretValue"].redacted == ("SecretString",)
    assert seen["rds:DescribeDBInstances"].redacted == ("DBInstances[0].PendingModifiedValues.MasterUserPassword",)
    assert seen["s3:GetBucketEncryption"].redacted == ()
    rules = run.pages.load(seen["s3:GetBucketEncryption"].page)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rules[0]["ApplyServerSideEncryptionByDefault"]["KMSMasterKeyID"] == "alias/fintech-data"
