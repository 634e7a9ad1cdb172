"""Lambda functions of the runbook's own on the embedded AWS: package, function, permission, drift, removal."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from embedded import AWS, DEMO

from airgap.errors import ParamsError
from airgap.functions.database import AUTHORITIES
from airgap.model.estate import Estate
from airgap.model.intent import Intent
from airgap.model.plan import Desired
from airgap.resources import functions, packages
from airgap.resources.functions import FUNCTION, PERMISSION
from airgap.resources.identity import IDENTITY
from airgap.resources.kind import declares
from airgap.resources.logs import LOG_GROUP
from airgap.resources.network import NETWORK

NAME = DEMO.name("rotation")


@declares(LOG_GROUP, FUNCTION, PERMISSION)
def rotation(intent: Intent, facts: Estate) -> Iterator[Desired]:
    """One function, as any step declares one."""
    handler = "functions.rotation.handler"
    why = "a function for this test"
    yield from functions.function(intent, "rotation", handler=handler, role="rotation", group="rotation", why=why)
    yield functions.permission(intent, "rotation", "secretsmanager")


ALL = (*IDENTITY, *NETWORK, packages.declare, rotation)


def test_a_function_comes_stays_and_goes_with_its_interfaces(aws: AWS) -> None:
    for _ in range(2):
        aws.apply(*ALL)
        aws.memory.lines.clear()
        aws.settled(*ALL)
        assert aws.memory.calls("write") == []
        made = aws.client("lambda").get_function_configuration(FunctionName=NAME)
        assert made["CodeSha256"] == packages.code_sha256(DEMO)
        assert len(made["VpcConfig"]["SubnetIds"]) == 2
        aws.destroy(*ALL)
        assert aws.client("lambda").list_functions()["Functions"] == []
        assert aws.client("ec2").describe_vpcs()["Vpcs"] == []
        assert aws.client("logs").describe_log_groups()["logGroups"] == []


def test_what_is_changed_behind_the_back_is_shown_and_mended(aws: AWS) -> None:
    aws.settled(*ALL)
    client = aws.client("lambda")
    client.update_function_configuration(
        FunctionName=NAME,
        VpcConfig={"SubnetIds": [], "SecurityGroupIds": []},
        Environment={"Variables": {"PASSWORD": "Tr0ub4dor-and-3"}},
        TracingConfig={"Mode": "Active"},
        DeadLetterConfig={"TargetArn": "arn:aws:sqs:us-east-1:999999999999:elsewhere"},
    )
    client.delete_function_concurrency(FunctionName=NAME)
    client.create_function_url_config(FunctionName=NAME, AuthType="NONE")
    elsewhere = {"OnSuccess": {"Destination": "arn:aws:sqs:us-east-1:999999999999:elsewhere"}}
    client.put_function_event_invoke_config(FunctionName=NAME, DestinationConfig=elsewhere)
    client.add_permission(FunctionName=NAME, StatementId="x", Action="lambda:InvokeFunction", Principal="999999999999")
    wanted = {"environment", "subnets", "groups", "tracing", "dead_letters", "concurrency", "url", "destinations"}
    seen = aws.plan(*ALL).changes
    assert set(seen.pop("function:rotation")) == wanted
    assert [fields[""][0] for fields in seen.values()] == ["delete"]
    assert "Tr0ub4dor-and-3" not in json.dumps([aws.memory.pages, aws.memory.lines])
    aws.settled(*ALL)


def test_other_code_is_shown_by_its_digest_and_put_back(aws: AWS) -> None:
    aws.settled(*ALL)
    other = io.BytesIO()
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("functions/rotation.py", "def handler(event, context): pass")
    aws.client("lambda").update_function_code(FunctionName=NAME, ZipFile=other.getvalue())
    assert set(aws.plan(*ALL).changes["function:rotation"]) == {"code_sha256"}
    aws.settled(*ALL)
    code = aws.client("lambda").get_function_configuration(FunctionName=NAME)["CodeSha256"]
    assert code == packages.code_sha256(DEMO)


def test_the_package_is_the_same_each_time_and_the_journal_holds_its_digest_alone(aws: AWS) -> None:
    first = packages.content()
    packages.content.cache_clear()
    assert packages.content() == first
    aws.apply(*ALL)
    (put,) = [data["params"] for event, data in aws.memory.lines if data.get("call") == "s3:PutObject"]
    assert put["Body"] == {"sha256": hashlib.sha256(first).hexdigest(), "size": len(first)}
    assert put["Key"] == f"functions/{put['Body']['sha256']}.zip"


def test_a_package_that_arrives_otherwise_is_refused(aws: AWS, monkeypatch: pytest.MonkeyPatch) -> None:
    aws.apply(*IDENTITY, *NETWORK)
    planned = aws.plan(*ALL)
    monkeypatch.setattr(packages, "content", lambda given="": b"something else")
    with pytest.raises(Exception, match="BadDigest"):
        aws.run(planned, *ALL)


def test_the_package_runs_by_itself(tmp_path: Path) -> None:
    """As Lambda unpacks it, with nothing of ours to import; boto3 is the runtime's."""
    with zipfile.ZipFile(io.BytesIO(packages.content())) as archive:
        archive.extractall(tmp_path)
    program = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from functions import rotation, database\n"
        "import pg8000, ssl\n"
        "assert pg8000.__file__.startswith(sys.argv[1]) and 'airgap' not in sys.modules\n"
        "print(ssl.create_default_context(cafile=str(database.AUTHORITIES)).cert_store_stats()['x509_ca'])"
    )
    command = [sys.executable, "-I", "-S", "-c", program, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert int(done.stdout) == AUTHORITIES.read_text().count("BEGIN CERTIFICATE")


def test_a_region_without_a_root_needs_one_from_the_params(aws: AWS) -> None:
    aws.change(region="us-gov-west-1")
    with pytest.raises(ParamsError, match=r"No root certificate of RDS in us-gov-west-1 .*|data\.rds_authorities"):
        packages.digest(aws.intent)


def test_every_root_is_what_the_line_above_it_says() -> None:
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    blocks = AUTHORITIES.read_text().split("# ")[1:]
    for block in blocks:
        title, _, pem = block.partition("\n")
        root = x509.load_pem_x509_certificate(pem.encode())
        assert root.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == title
        root.verify_directly_issued_by(root)
