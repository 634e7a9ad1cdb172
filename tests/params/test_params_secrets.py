"""A secret value is refused wherever it stands, with its line, and is never repeated; names are not taken for it."""

from __future__ import annotations

import base64
import json
import random
import re
import string
from pathlib import Path
from textwrap import indent

import pytest

from airgap.errors import ParamsError
from airgap.params import check, load

ROOT = Path(__file__).resolve().parents[2]
BASE = (Path(__file__).parent / "base.yaml").read_text()
DICE = random.Random(7)


def chars(alphabet: str, length: int) -> str:
    """Return random text; the seed is fixed, so the tests see the same secrets on every run."""
    return "".join(DICE.choice(alphabet) for _ in range(length))


MIXED = string.ascii_letters + string.digits
JWT = ".".join(
    base64.urlsafe_b64encode(part).decode().rstrip("=") for part in (b'{"alg":"none"}', b'{"sub":"a"}', b"s" * 9)
)
SECRETS = {
    "access key id": "AKIA" + chars(string.ascii_uppercase + "234567", 16),
    "temporary access key id": "ASIA" + chars(string.ascii_uppercase + "234567", 16),
    "secret access key": chars(MIXED + "/+", 40),
    "session token": "IQoJb3JpZ2lu" + chars(MIXED + "/+", 200),
    "bedrock key": "ABSK" + chars(MIXED, 100),
    "EKS token": "k8s-aws-v1." + chars(MIXED, 60),
    "pre-signed query": "https://b.s3.amazonaws.com/k?X-Amz-Signature=" + chars("0123456789abcdef", 64),
    "JWT": JWT,
    "basic auth URL": "https://ada:lovelace1815@git.example.com/x",
    "database URL": "postgresql://app:Tr0ub4dor@db.internal:5432/app",
    "user-less URL": "rediss://:hunter2@cache.internal:6379",
    "connection string": "Server=db;User Id=app;Password=correcthorse;",
    "GitHub token": "gh" + "p_" + chars(MIXED, 36),
    "GitLab token": "glp" + "at-" + chars(MIXED, 20),
    "Slack token": "xo" + "xb-" + chars(string.digits, 12) + "-" + chars(MIXED, 24),
    "Vault token": "hv" + "s." + chars(MIXED, 90),
    "API key": "sk" + "_live_" + chars(MIXED, 24),
    "hex key": chars("0123456789abcdef", 64),
    "random text": chars(MIXED, 32),
    "private key": "-----BEGIN " + "RSA PRIVATE KEY-----",
}
CORES = {
    "basic auth URL": "lovelace1815",
    "database URL": "Tr0ub4dor",
    "user-less URL": "hunter2",
    "connection string": "correcthorse",
}
"""The part of a longer text that is the secret."""

PLACES = {
    "a known key": ("database: base/db", "database: '{}'"),
    "an unknown key": ("database: base/db", "database: base/db\n  extra: '{}'"),
    "the name of a key": ("database: base/db", "database: base/db\n  '{}': x"),
    "a list": ("ecr-pull", "ecr-pull, '{}'"),
    "a comment": ("database: base/db", "database: base/db  # {}"),
    "an anchor's line of a broken file": ("database: base/db", "database: [base/db  # {}"),
}
HARMLESS = [
    "arn:aws:iam::123456789012:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_AdministratorAccess_a1b2c3d4e5f6a7b8",
    "arn:aws:secretsmanager:us-east-1:123456789012:secret:fintech/prod/db-AbCdEf",
    "arn:aws:kms:us-east-1:123456789012:key/mrk-1234abcd12ab34cd56ef1234567890ab",
    "arn:aws:acm:us-east-1:123456789012:certificate/12345678-90ab-cdef-1234-567890abcdef",
    "vpce-0123456789abcdef0",
    "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0bb822cd15d6c15b0f00a08",
    "anthropic.claude-opus-4-5-20251101-v1:0",
    "https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html",
    "FintechProductionPermissionsBoundary2026",
    "the password is kept in Secrets Manager, by its name",
]


def refuse(text: str, folder: Path) -> list[ParamsError]:
    path = folder / "base.yaml"
    path.write_text(text)
    return check(path)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kind", SECRETS)
def test_a_secret_is_refused_and_never_repeated(kind: str, place: str, tmp_path: Path) -> None:
    secret, (old, new) = SECRETS[kind], PLACES[place]
    text = BASE.replace(old, new.format(secret))
    line = next(number for number, said in enumerate(text.splitlines(), 1) if secret in said)
    errors = refuse(text, tmp_path)
    told = [error for error in errors if "**** is or looks like" in error.what]
    assert [error.what.startswith(f"{tmp_path / 'base.yaml'}:{line}: ") for error in told] == [True]
    assert "Secrets Manager" in told[0].action
    with pytest.raises(ParamsError) as whole:
        load(str(tmp_path / "base.yaml"))
    for error in (*errors, whole.value):
        assert CORES.get(kind, secret[-12:]) not in error.diagnostics()


def test_two_secrets_in_one_line_are_both_kept_from_the_messages(tmp_path: Path) -> None:
    first, second = SECRETS["GitHub token"], SECRETS["secret access key"]
    errors = refuse(BASE.replace("ecr-pull", f'"{first}", "{second}"'), tmp_path)
    said = "\n".join(error.diagnostics() for error in errors)
    assert [error.what.split(": ")[1] for error in errors] == ["components[1]", "components[2]"]
    assert first not in said
    assert second not in said


@pytest.mark.parametrize("key", ["password", "db_password", "master-password", "apiKey", "secret_access_key", "token"])
def test_a_value_is_a_secret_by_its_key(key: str, tmp_path: Path) -> None:
    errors = refuse(BASE.replace("database: base/db", f"database: base/db\n  {key}: hunter"), tmp_path)
    assert [error.what.partition(": ")[2] for error in errors] == [
        f"secrets.{key}: **** is or looks like a secret value (by its key)"
    ]
    assert "hunter" not in errors[0].diagnostics()


def test_a_private_key_in_a_block_is_found_at_its_own_line(tmp_path: Path) -> None:
    block = "  extra: |\n    -----BEGIN " + "PRIVATE KEY-----\n    " + chars(MIXED, 64) + "\n"
    errors = refuse(BASE.replace("  database: base/db\n", "  database: base/db\n" + block), tmp_path)
    assert [error.what.split(":")[1] for error in errors] == ["24", "25"]
    assert all("secrets.extra: **** is or looks like" in error.what for error in errors)


@pytest.mark.parametrize("text", HARMLESS)
def test_names_are_not_taken_for_secrets(text: str, tmp_path: Path) -> None:
    assert refuse(BASE.replace("environment: base", f"# {text}\nenvironment: base"), tmp_path) == []
    for error in refuse(BASE.replace("environment: base", f'owner: "{text}"\nenvironment: base'), tmp_path):
        assert "****" not in error.what


def test_certificates_are_public_and_what_stands_beside_them_is_not(tmp_path: Path) -> None:
    authorities = (ROOT / "lib" / "airgap" / "functions" / "rds-authorities.pem").read_text()
    bundle = "".join(re.findall(r"# .* af-south-1 .*\n(-----BEGIN[^#]+)", authorities))
    assert bundle.count("BEGIN CERTIFICATE") == 3
    key = "  rds_authorities: |\n"
    text = BASE.replace("secrets:\n", f"{key}{indent(bundle, '    ')}secrets:\n")
    assert refuse(text, tmp_path) == []
    errors = refuse(text.replace(key, f"{key}    {SECRETS['random text']}\n"), tmp_path)
    assert any("**** is or looks like" in error.what for error in errors)


def test_public_keys_may_stand_in_quotes_too(tmp_path: Path) -> None:
    key = f"-----BEGIN PUBLIC KEY-----\nMCow{chars(MIXED, 56)}\n-----END PUBLIC KEY-----\n"
    signers = json.dumps({"signers": [{"name": "us", "images": ["*"], "key": key}]})
    quoted = BASE.replace("environment: base", f"# {signers}\nenvironment: base")
    assert refuse(quoted, tmp_path) == []
    hidden = refuse(quoted.replace("END PUBLIC", "END OF PUBLIC"), tmp_path)
    assert any("long and random" in error.what for error in hidden)
