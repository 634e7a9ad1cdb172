"""No secret survives redaction, in any place and encoding, and nothing that checks need is hidden."""

from __future__ import annotations

import base64
import html
import json
import random
import string
import threading
import urllib.parse
from collections.abc import Callable

import pytest

from airgap.model.canonical import encode
from airgap.model.redaction import KINDS, LEARNED, Redactor, scan
from airgap.model.secret_forms import MARK
from airgap.model.secret_names import HIDDEN, SECRET

DICE = random.Random(20261123)


@pytest.fixture(autouse=True)
def dice(request: pytest.FixtureRequest) -> None:
    """Throw the same for a test, whichever others run."""
    DICE.seed(request.node.name)


def some(length: int, alphabet: str = string.ascii_letters + string.digits) -> str:
    return "".join(DICE.choices(alphabet, k=length))


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def jwt() -> str:
    parts = (b64('{"alg":"RS256","kid":"1"}'), b64('{"sub":"system:serviceaccount:prod:app"}'), some(86))
    return ".".join(part.rstrip("=") for part in parts)


def pem(kind: str = "RSA ") -> str:
    body = "\n".join(some(64) for _ in range(6))
    return f"-----BEGIN {kind}PRIVATE KEY-----\n{body}\n-----END {kind}PRIVATE KEY-----"


# Made here and now, so that no text of this repository looks like a secret: (kind, what must vanish, text around it).
UPPER = string.ascii_uppercase + "234567"
CANARIES: dict[str, Callable[[], tuple[str, str, str]]] = {
    "long-lived key id": lambda: ("access-key-id", k := "AKIA" + some(16, UPPER), f"key {k} of ann"),
    "session key id": lambda: ("access-key-id", k := "ASIA" + some(16, UPPER), f"Credential%3D{k}%2F20261123"),
    "secret key in a profile": lambda: ("credential", k := some(40), f"[default]\naws_secret_access_key = {k}\n"),
    "secret key in JSON": lambda: ("credential", k := some(40), json.dumps({"SecretAccessKey": k})),
    "session token": lambda: ("session-token", k := "IQoJb3JpZ2luX2Vj" + some(300), f"token is {k}."),
    "session token variable": lambda: ("credential", k := some(120), f"export AWS_SESSION_TOKEN={k}"),
    "password assignment": lambda: ("password", k := some(12) + "7!", f"connect user=app password={k} host=db"),
    "quoted password": lambda: ("password", k := "a, {b}; (" + some(9) + "!", f'db: {{"dbPassword": "{k}", "x": 1}}'),
    "password in JSON in a string": lambda: ("password", k := some(12) + "7", json.dumps(json.dumps({"password": k}))),
    "password in an HTML table": lambda: ("password", k := some(12) + "9", f"<tr><td>Password</td><td>{k}</td></tr>"),
    "EKS token": lambda: ("eks-token", k := some(200), f"Authorization: k8s-aws-v1.{k}"),
    "presigned signature": lambda: ("signed-request", k := some(64, "0123456789abcdef"),
                                    f"https://b.s3.amazonaws.com/k?X-Amz-Algorithm=AWS4&X-Amz-Signature={k}"),
    "presigned token": lambda: ("signed-request", k := some(90), f"https://b.s3/k?X-Amz-Security-Token={k}&x=1"),
    "old presigned signature": lambda: ("signed-request", k := some(27) + "%3D", f"https://b.s3/k?Signature={k}&Expires=1"),
    "signature header": lambda: ("signed-request", k := some(64, "0123456789abcdef"),
                                 f"AWS4-HMAC-SHA256 Credential=x, SignedHeaders=host, Signature={k}"),
    "basic auth URL": lambda: ("basic-auth-url", k := some(10) + "!@$", f"proxy https://u:{k}@proxy.bank:3128/ used"),
    "database URL": lambda: ("basic-auth-url", k := some(14), f"postgresql://app:{k}@db.internal:5432/app"),
    "RSA key": lambda: ("private-key", k := pem(), f"here: {k} and on"),
    "PKCS8 key": lambda: ("private-key", k := pem(""), k),
    "PGP key": lambda: ("private-key", k := pem("PGP ").replace("KEY", "KEY BLOCK"), k),
    "half of a key": lambda: ("private-key", k := pem("EC ")[:200], k),
    "key in base64": lambda: ("private-key", k := b64(pem("EC ")), f"client-key-data: {k}"),
    "JWT": lambda: ("jwt", k := jwt(), f"token: {k}"),
    "JWT in base64": lambda: ("jwt", k := b64(jwt()), f"token: {k}"),
    "bearer": lambda: ("bearer", k := some(40) + "1", f"Authorization: Bearer {k}"),
    "basic": lambda: ("bearer", k := b64("AWS:" + some(30)) + "1", f'"Authorization": "Basic {k}"'),
    "registry login": lambda: ("registry-token", k := b64("AWS:ey" + some(300)), f"docker login -u AWS -p {k}"),
    "docker auth": lambda: ("registry-token", k := b64("u:" + some(9)), json.dumps({"auths": {"r.io": {"auth": k}}})),
    "forge token": lambda: ("forge-token", k := "ghp_" + some(36), f"git clone with {k}"),
}  # fmt: skip


@pytest.mark.parametrize("name", CANARIES)
def test_a_secret_of_a_known_form_is_hidden_and_found_by_the_scan(name: str) -> None:
    kind, canary, text = CANARIES[name]()
    assert kind in {hit.kind for hit in scan(text)}
    for shown in (Redactor().text(text), encode(Redactor().redact({"Message": text}, [])[0])):
        assert canary not in shown
        assert MARK in shown
        assert scan(shown) == []


def test_every_form_has_a_canary() -> None:
    assert {CANARIES[name]()[0] for name in CANARIES} | {LEARNED} == set(KINDS)


@pytest.mark.parametrize("name", CANARIES)
def test_what_stands_around_a_secret_stays(name: str) -> None:
    _, canary, text = CANARIES[name]()
    before, _, after = text.partition(canary)
    shown = Redactor().text(f"first line {text} last line")
    assert shown.startswith("first line ")
    assert shown.endswith(" last line") or name in {"half of a key"}
    assert len(shown) < len(text) + 30
    assert before[:8] in shown
    assert after[-8:] in shown


def test_a_hit_carries_kind_and_position_but_not_the_value() -> None:
    key = "AKIA" + some(16, UPPER)
    hits = scan(f"12345 {key}")
    assert [(hit.kind, hit.position) for hit in hits] == [("access-key-id", 6)]
    assert key[4:] not in repr(hits)


# Exact values


ENCODINGS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "JSON": lambda secret: json.dumps({"x": secret}),
    "JSON in JSON": lambda secret: json.dumps(json.dumps({"x": secret})),
    "JSON, not escaped": lambda secret: json.dumps({"x": secret}, ensure_ascii=False),
    "URL": lambda secret: urllib.parse.quote(secret, safe=""),
    "URL path": urllib.parse.quote,
    "form": lambda secret: urllib.parse.urlencode({"x": secret}),
    "HTML": html.escape,
    "base64": b64,
    "base64 after one byte": lambda secret: b64(":" + secret + "\n"),
    "base64 after two bytes": lambda secret: b64("u:" + secret + "\n"),
    "base64 within": lambda secret: b64(json.dumps({"username": "app"})[:-1] + ', "p": "' + secret + '"}'),
    "base64 for URLs": lambda secret: base64.urlsafe_b64encode(secret.encode()).decode(),
    "basic auth": lambda secret: "Basic " + b64(f"someone:{secret}"),
}
SECRETS = [
    "hunter2-äöü/+=&<>\"'\\ x",
    "wJalrXUtnFEMI/K7MDENG+bPx",
    "correct horse battery staple",
    "sIxer6",
    "tab\tand\nline",
]


@pytest.mark.parametrize("name", ENCODINGS)
@pytest.mark.parametrize("secret", SECRETS)
def test_a_learned_value_is_hidden_in_every_encoding(secret: str, name: str) -> None:
    redactor = Redactor()
    redactor.learn(secret)
    text = ENCODINGS[name](secret)
    shown = redactor.text(f"before {text} after")
    assert MARK in shown
    assert text not in shown
    assert redactor.scan(f"before {text} after")[0].kind == LEARNED
    assert redactor.scan(shown) == []
    value, paths = redactor.redact({"Deep": [{"Note": f"before {text} after"}]}, [])
    assert paths == ["Deep[0].Note"]
    assert secret not in encode(value)


def test_secrets_of_the_environment_are_hidden_from_the_start() -> None:
    assert Redactor([SECRETS[1]]).text(f"key {SECRETS[1]}!") == f"key {MARK}!"


@pytest.mark.parametrize(
    "value", ["", "a", "12345", "testing", "password", "Password", "redact", "[redacted]", "********"]
)
def test_values_that_are_no_secret_are_not_learned(value: str) -> None:
    redactor = Redactor([value])
    text = f"the value {value} and testing password policy, redacted ********"
    assert redactor.text(text) == text


def test_a_value_seen_under_a_secret_name_is_hidden_in_the_rest_of_the_page_and_of_the_run() -> None:
    secret, redactor = some(20), Redactor()
    page = {"Description": f"set to {secret}", "Instances": [{"MasterUserPassword": secret, "Port": 5432}]}
    shown, paths = redactor.redact(page, [])
    assert shown == {"Description": f"set to {MARK}", "Instances": [{"MasterUserPassword": MARK, "Port": 5432}]}
    assert paths == ["Description", "Instances[0].MasterUserPassword"]
    assert redactor.text(f"refused: {secret}") == f"refused: {MARK}"


def test_the_password_within_a_secret_is_learned_and_its_user_name_is_not() -> None:
    redactor = Redactor()
    password = some(12)
    redactor.redact({"SecretString": json.dumps({"username": "application", "password": password})}, [])
    assert redactor.text(f"application {password}") == f"application {MARK}"


def test_the_longer_of_two_secrets_is_hidden_whole() -> None:
    redactor = Redactor(["abcdef", "abcdefghij"])
    assert redactor.text("x abcdefghij y") == f"x {MARK} y"


def test_learning_while_others_redact_loses_nothing() -> None:
    redactor, secrets = Redactor(), [some(16) for _ in range(64)]

    def work(part: list[str]) -> None:
        for secret in part:
            redactor.learn(secret)
            assert secret not in redactor.text(f"see {secret}")

    threads = [threading.Thread(target=work, args=(secrets[start::4],)) for start in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(redactor.text(secret) == MARK for secret in secrets)


# Members


@pytest.mark.parametrize("name", sorted(SECRET | HIDDEN))
def test_a_secret_member_is_hidden_at_any_depth(name: str) -> None:
    value = some(24)
    shown, paths = Redactor().redact({"A": [{name: value}], name: {"Inner": [value, 7, True, None]}}, [])
    assert value not in encode(shown)
    assert shown == {"A": [{name: MARK}], name: {"Inner": [MARK, MARK, True, None]}}
    assert paths == sorted([f"A[0].{name}", f"{name}.Inner[0]", f"{name}.Inner[1]"])


def test_members_that_the_model_marks_are_hidden_in_their_shape() -> None:
    page = {"Users": [{"Email": "a@b", "Id": 1}, {"Email": "c@d"}], "Map": {"a.b": {"v": [1, "x"]}}, "Left": "x"}
    shown, paths = Redactor().redact(page, ["Users[0].Email", "Map.a.b", "Absent.Path"])
    assert shown == {
        "Users": [{"Email": MARK, "Id": 1}, {"Email": "c@d"}],
        "Map": {"a.b": {"v": [MARK, MARK]}},
        "Left": "x",
    }
    assert paths == ["Map.a.b.v[0]", "Map.a.b.v[1]", "Users[0].Email"]


def test_a_body_that_is_sensitive_as_a_whole_is_hidden_as_a_whole() -> None:
    assert Redactor().redact({"A": "x", "B": [1]}, [""]) == ({"A": MARK, "B": [MARK]}, ["A", "B[0]"])


def test_key_ids_are_hidden_beside_their_secret_and_masked_elsewhere() -> None:
    key = "ASIA" + some(12, UPPER) + "LAST"
    page = {
        "Credentials": {"AccessKeyId": key, "SecretAccessKey": some(40), "Expiration": "2026-11-23T09:50:12Z"},
        "AccessKeyMetadata": [{"AccessKeyId": key, "Status": "Active"}],
    }
    shown, _ = Redactor().redact(page, [])
    assert shown["Credentials"] == {"AccessKeyId": MARK, "SecretAccessKey": MARK, "Expiration": "2026-11-23T09:50:12Z"}
    assert shown["AccessKeyMetadata"] == [{"AccessKeyId": f"ASIA{MARK}LAST", "Status": "Active"}]


@pytest.mark.parametrize(
    "name", ["DB_PASSWORD", "GITHUB_TOKEN", "AWS_SECRET_ACCESS_KEY", "aws_session_token", "API_KEY"]
)
def test_environment_variables_are_hidden_by_their_name(name: str) -> None:
    value = some(10)
    page = {
        "Variables": {name: value, "HOST": "db"},
        "env": [{"name": name, "value": value}, {"name": "A", "value": "b"}],
    }
    shown, _ = Redactor().redact(page, [])
    assert shown == {
        "Variables": {name: MARK, "HOST": "db"},
        "env": [{"name": name, "value": MARK}, {"name": "A", "value": "b"}],
    }


def test_keys_that_are_secrets_are_hidden_and_stay_apart() -> None:
    keys = ["AKIA" + some(12, UPPER) + "SAME" for _ in range(2)]
    shown, paths = Redactor().redact({keys[0]: 1, keys[1]: 2, "Other": 3}, [])
    assert shown == {f"AKIA{MARK}SAME": 1, f"AKIA{MARK}SAME 2": 2, "Other": 3}
    assert all(key not in encode([shown, paths]) for key in keys)


def test_paths_never_show_a_secret() -> None:
    key = "AKIA" + some(16, UPPER)
    _, paths = Redactor().redact({key: {"Password": "p" * 9}}, [])
    assert len(paths) == 1
    assert key not in paths[0]
