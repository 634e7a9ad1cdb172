"""Every way to sign, held by three verifiers: ours, a library that is not ours, and the README's OpenSSL commands."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from bundled import Site
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import SSlibKey
from vouchers import MODULE, Token, answering, key, openssl, token

from airgap.cli.vouching import vouch, vouched
from airgap.errors import NoKey, NoModule, NoToken, PinRefused, UsageError
from airgap.evidence import signing, token_key
from airgap.evidence.bundle.manifest import MANIFEST
from airgap.evidence.bundle.members import opened

needs_token = pytest.mark.skipif(not MODULE.is_file(), reason="no SoftHSM here: make .venv/softhsm/.ready unpacks it")


@dataclass(frozen=True)
class Signed:
    """A bundle, signed and time-stamped, with what its reader has from elsewhere: ``evidence.pub`` and ``tsa.pem``."""

    folder: Path
    bundle: Path

    @property
    def envelope(self) -> Path:
        """The signature's file."""
        return signing.side_file(self.bundle)


@pytest.fixture(scope="module")
def hsm(tmp_path_factory: pytest.TempPathFactory) -> Token:
    """A token with one key."""
    return token(tmp_path_factory.mktemp("token"))


def by_local_key(folder: Path, request: pytest.FixtureRequest) -> str:
    key(folder, "evidence")
    return str(folder / "evidence.pem")


def by_kms(folder: Path, request: pytest.FixtureRequest) -> str:
    import boto3

    public = boto3.client("kms").get_public_key(KeyId="alias/fintech-evidence")["PublicKey"]
    (folder / "kms.der").write_bytes(public)
    openssl("pkey", "-pubin", "-inform", "DER", "-in", "kms.der", "-out", "evidence.pub", cwd=folder)
    return "kms:alias/fintech-evidence"


def by_token(folder: Path, request: pytest.FixtureRequest) -> str:
    hsm: Token = request.getfixturevalue("hsm")
    shutil.copy(hsm.folder / "token.pub", folder / "evidence.pub")
    return hsm.uri


SIGNERS = [by_local_key, by_kms, pytest.param(by_token, marks=needs_token)]


@pytest.fixture(scope="module", params=SIGNERS, ids=lambda one: one.__name__)
def signed(
    request: pytest.FixtureRequest, site: Site, bundle: Path, tmp_path_factory: pytest.TempPathFactory
) -> Signed:
    """A bundle as each signer signs it, and as the authority then stamps it."""
    folder = tmp_path_factory.mktemp("signed")
    copy = Path(shutil.copy(bundle, folder))
    with pytest.MonkeyPatch.context() as patch, answering(folder) as (url, root):
        extra = request.getfixturevalue("hsm").environment if request.param is by_token else {}
        for name, value in {**site.environment, "AWS_DEFAULT_REGION": "us-east-1", **extra}.items():
            patch.setenv(name, value)
        vouch(copy, request.param(folder, request), url, json.loads(opened(str(copy))["run.json"]))
        shutil.copy(root, folder / "tsa.pem")
    return Signed(folder, copy)


def test_by_us(signed: Signed) -> None:
    found = vouched(signed.bundle, signed.folder / "evidence.pub", signed.folder / "tsa.pem")
    assert {name: one.holds for name, one in found.items()} == {"signature": True, "time-stamp": True, "chain": None}


def test_by_a_library_that_is_not_ours(signed: Signed) -> None:
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    pem = (signed.folder / "evidence.pub").read_bytes()
    theirs = SSlibKey.from_crypto(load_pem_public_key(pem), keyid=signing.key_id(pem), scheme="ecdsa-sha2-nistp256")
    assert set(Envelope.from_dict(json.loads(signed.envelope.read_text())).verify([theirs], 1)) == {theirs.keyid}
    forged = Envelope.from_dict(json.loads(signed.envelope.read_text()))
    forged.payload = forged.payload.replace(b"PASSED", b"FAILED")
    with pytest.raises(VerificationError):
        forged.verify([theirs], 1)


def commands(bundle: Path) -> list[str]:
    """The commands that the bundle's README prints, of OpenSSL's part."""
    text = opened(str(bundle))["README.txt"].decode()
    part = text.partition("By OpenSSL alone")[2].partition("index.html")[0]
    return [line.strip() for line in part.splitlines() if re.match("  [a-z(]", line)]


def carried_out(signed: Signed) -> str:
    """What the README's commands print, one by one as they stand there, in a folder as the reader has it."""
    with zipfile.ZipFile(signed.bundle) as archive:
        archive.extract(MANIFEST, signed.folder / "bundle")
    told = ""
    for command in commands(signed.bundle):
        done = subprocess.run(["sh", "-c", command], cwd=signed.folder, capture_output=True, text=True)
        told += done.stdout + done.stderr
    return told


def test_by_the_commands_of_the_readme(signed: Signed) -> None:
    assert len(commands(signed.bundle)) == 6
    told = carried_out(signed).splitlines()
    assert told[:2] == ["Verified OK", "1"]
    assert "Verification: OK" in told[2:]


def test_the_commands_of_the_readme_refuse_what_was_altered(signed: Signed) -> None:
    was = signed.envelope.read_text()
    try:
        other = json.loads(was)
        payload = signing.statement(json.loads(opened(str(signed.bundle))["run.json"]), b"another manifest")
        signed.envelope.write_text(
            json.dumps({**other, "payload": base64.b64encode(payload).decode()}, separators=(",", ":"))
        )
        told = carried_out(signed)
    finally:
        signed.envelope.write_text(was)
    assert "Verification failure" in told or "Verification Failure" in told
    assert "\n0\n" in told
    assert "Verification: FAILED" in told
    assert "OK" not in told


@needs_token
def test_a_pin_stands_nowhere_but_where_it_was_put(site: Site, bundle: Path, hsm: Token) -> None:
    """The command line signs by the token, and neither the bundle, its side files nor any output has the PIN."""
    signer = Site(site.reports, {**site.environment, **hsm.environment})
    side = signing.side_file(bundle)
    try:
        done = signer("bundle", "create", str(bundle.with_suffix("")), "--sign", hsm.uri)
        assert done.returncode == 0, done.stderr
        public = str(hsm.folder / "token.pub")
        assert site("bundle", "verify", str(bundle), "--public-key", public, "--require-signature").returncode == 0
        written = [done.stdout.encode(), done.stderr.encode(), side.read_bytes(), *opened(str(bundle)).values()]
        assert not [one for one in written if hsm.pin.encode() in one]
    finally:
        side.unlink(missing_ok=True)


@needs_token
def test_only_a_digest_goes_to_the_token(hsm: Token, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bytes] = []
    for name, value in hsm.environment.items():
        monkeypatch.setenv(name, value)
    sign, _ = token_key.token_key(hsm.uri)
    sha256 = token_key.hashlib.sha256

    class Seen:
        def __init__(self, message: bytes) -> None:
            self.value = sha256(message).digest()

        def digest(self) -> bytes:
            asked.append(self.value)
            return self.value

    monkeypatch.setattr(token_key.hashlib, "sha256", Seen)
    signature = sign(b"a message of any length" * 1000)
    monkeypatch.undo()
    (hsm.folder / "digest").write_bytes(asked[0])
    (hsm.folder / "sig").write_bytes(signature)
    told = openssl(
        "pkeyutl", "-verify", "-pubin", "-inkey", "token.pub", "-in", "digest", "-sigfile", "sig", cwd=hsm.folder
    )
    assert (len(asked[0]), "Verified Successfully" in told) == (32, True)


REFUSED = {
    "another PIN": (lambda u: u, "000000", PinRefused),
    "a PIN that is too short": (lambda u: u, "1", PinRefused),
    "no PIN": (lambda u: u, "", UsageError),
    "no such file of a PIN": (lambda u: u + "&pin-source=file:/nowhere/pin", "", UsageError),
    "a PIN in the command line": (lambda u: u + "&pin-value=271828-airgap", "", UsageError),
    "no such token": (lambda u: u.replace("=evidence", "=nobody"), None, NoToken),
    "no such key": (lambda u: u.replace("=fintech", "=nobody"), None, NoKey),
    "a key of another id": (lambda u: u.replace(";object", ";id=%FF;object"), None, NoKey),
    "no such module": (lambda u: u.replace(".so", ".dll"), None, NoModule),
    "a module that is none": (lambda u: u.replace(str(MODULE), __file__), None, NoModule),
    "no token named": (lambda u: u.replace("token=evidence;", ""), None, UsageError),
    "an attribute that is unknown": (lambda u: u.replace("token=", "tokens=x;token="), None, UsageError),
}


def opened_and_used(uri: str) -> bytes:
    sign, _ = token_key.token_key(uri)
    return sign(b"message")


@needs_token
@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_open_is_named(case: str, hsm: Token, monkeypatch: pytest.MonkeyPatch) -> None:
    change, pin, error = REFUSED[case]
    for name, value in {**hsm.environment, "AIRGAP_PKCS11_PIN": hsm.pin if pin is None else pin}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(error) as refused:
        opened_and_used(change(hsm.uri))
    assert type(refused.value) is error
    assert hsm.pin not in refused.value.diagnostics()


@needs_token
def test_a_pin_from_a_file_and_a_key_by_its_id(hsm: Token, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOFTHSM2_CONF", hsm.environment["SOFTHSM2_CONF"])
    (hsm.folder / "the pin").write_text(hsm.pin + "\n")
    uri = hsm.uri.replace("object=fintech", "id=%a1;type=private")
    sign, public = token_key.token_key(f"{uri}&pin-source=file:{str(hsm.folder / 'the pin').replace(' ', '%20')}")
    assert signing.envelope(b"{}", signing.Signer(sign, public))
    assert public == (hsm.folder / "token.pub").read_bytes()


def test_two_halves_that_do_not_belong_together_sign_nothing(tmp_path: Path) -> None:
    mine, other = (signing.local_key(key(tmp_path, name)) for name in ("mine", "other"))
    with pytest.raises(NoKey):
        signing.envelope(b"{}", signing.Signer(mine[0], other[1]))
