"""Signatures and time-stamps: by a local key, by KMS, by an authority; checked by us and by OpenSSL's command line."""

from __future__ import annotations

import base64
import json
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from bundled import Site

from airgap.evidence.signing import PAYLOAD, encoded

EXTENSIONS = """
[tsa]
extendedKeyUsage = critical,timeStamping
keyUsage = critical,digitalSignature
basicConstraints = CA:FALSE
[ca]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign
[ts]
serial = {folder}/serial
crypto_device = builtin
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
ordering = yes
tsa_name = yes
ess_cert_id_chain = no
"""


def openssl(*arguments: str, cwd: Path) -> str:
    done = subprocess.run(["openssl", *arguments], cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def key(folder: Path, name: str) -> Path:
    """A private key; its public half stands beside it."""
    openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", f"{name}.pem", cwd=folder)
    openssl("pkey", "-in", f"{name}.pem", "-pubout", "-out", f"{name}.pub", cwd=folder)
    return folder / f"{name}.pem"


def test_an_unsigned_bundle_says_so_and_fails_only_where_a_signature_is_required(site: Site, bundle: Path) -> None:
    done = site("bundle", "verify", str(bundle))
    assert (done.returncode, "not signed" in done.stdout) == (0, True)
    assert site("bundle", "verify", str(bundle), "--require-signature").returncode == 10


def test_a_signature_by_a_local_key_is_checked_by_us_and_by_openssl(site: Site, bundle: Path, tmp_path: Path) -> None:
    mine, other = key(tmp_path, "mine"), key(tmp_path, "other")
    try:
        assert site("bundle", "create", str(bundle.with_suffix("")), "--sign", str(mine)).returncode == 0
        side = bundle.with_name(bundle.name + ".dsse.json")
        outcomes = {
            (): (0, "was not checked"),
            ("--require-signature",): (10, "was not checked"),
            ("--public-key", str(mine.with_suffix(".pub")), "--require-signature"): (0, "signed by key"),
            ("--public-key", str(other.with_suffix(".pub"))): (10, "not signed by key"),
        }
        for options, (code, text) in outcomes.items():
            done = site("bundle", "verify", str(bundle), *options)
            assert (done.returncode, text in done.stdout) == (code, True), done.stdout
        body = json.loads(side.read_text())
        payload = base64.b64decode(body["payload"])
        (tmp_path / "pae").write_bytes(encoded(PAYLOAD, payload))
        (tmp_path / "sig").write_bytes(base64.b64decode(body["signatures"][0]["sig"]))
        said = openssl("dgst", "-sha256", "-verify", "mine.pub", "-signature", "sig", "pae", cwd=tmp_path)
        assert "Verified OK" in said
        assert json.loads(payload)["predicate"]["result"] == "PASSED"
        statement = json.loads(payload)
        statement["predicate"]["result"] = "FAILED"
        side.write_text(json.dumps({**body, "payload": base64.b64encode(json.dumps(statement).encode()).decode()}))
        assert site("bundle", "verify", str(bundle), "--public-key", str(mine.with_suffix(".pub"))).returncode == 10
        side.write_text("{")
        assert "malformed" in site("bundle", "verify", str(bundle)).stdout
    finally:
        bundle.with_name(bundle.name + ".dsse.json").unlink(missing_ok=True)


def test_a_signature_by_kms(site: Site, bundle: Path, tmp_path: Path) -> None:
    import boto3

    kms = boto3.client("kms", endpoint_url=site.environment["AWS_ENDPOINT_URL"], region_name="us-east-1",
                       aws_access_key_id=site.environment["AWS_ACCESS_KEY_ID"],
                       aws_secret_access_key=site.environment["AWS_SECRET_ACCESS_KEY"])  # fmt: skip
    public = kms.get_public_key(KeyId="alias/fintech-evidence")["PublicKey"]
    (tmp_path / "kms.der").write_bytes(public)
    openssl("pkey", "-pubin", "-inform", "DER", "-in", "kms.der", "-out", "kms.pub", cwd=tmp_path)
    try:
        done = site("bundle", "create", str(bundle.with_suffix("")), "--sign", "kms:alias/fintech-evidence")
        assert done.returncode == 0, done.stderr
        done = site("bundle", "verify", str(bundle), "--public-key", str(tmp_path / "kms.pub"), "--require-signature")
        assert done.returncode == 0, done.stdout
        refused = site("bundle", "create", str(bundle.with_suffix("")), "--sign", "kms:alias/nobodys")
        assert (refused.returncode, "kms:Sign" in refused.stderr) == (1, True)
    finally:
        bundle.with_name(bundle.name + ".dsse.json").unlink(missing_ok=True)


@pytest.fixture
def authority(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A time-stamp authority on loopback, and the certificate that it hangs from."""
    (tmp_path / "openssl.cnf").write_text(EXTENSIONS.format(folder=tmp_path))
    (tmp_path / "serial").write_text("01")
    for name in ("ca", "tsa"):
        key(tmp_path, name)
        openssl("req", "-new", "-key", f"{name}.pem", "-subj", f"/CN={name}", "-out", f"{name}.csr", cwd=tmp_path)
    openssl("x509", "-req", "-in", "ca.csr", "-signkey", "ca.pem", "-days", "2", "-extfile", "openssl.cnf",
            "-extensions", "ca", "-out", "ca.crt", cwd=tmp_path)  # fmt: skip
    openssl("x509", "-req", "-in", "tsa.csr", "-CA", "ca.crt", "-CAkey", "ca.pem", "-CAcreateserial", "-days", "2",
            "-extfile", "openssl.cnf", "-extensions", "tsa", "-out", "tsa.crt", cwd=tmp_path)  # fmt: skip

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            (tmp_path / "query").write_bytes(self.rfile.read(int(self.headers["Content-Length"])))
            openssl("ts", "-reply", "-config", "openssl.cnf", "-section", "ts", "-queryfile", "query", "-inkey",
                    "tsa.pem", "-signer", "tsa.crt", "-out", "reply", cwd=tmp_path)  # fmt: skip
            self.send_response(200)
            self.end_headers()
            self.wfile.write((tmp_path / "reply").read_bytes())

        def log_message(self, *arguments: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", tmp_path / "ca.crt"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_time_stamp_is_verified_offline(
    site: Site, bundle: Path, authority: tuple[str, Path], tmp_path: Path
) -> None:
    url, root = authority
    side = bundle.with_name(bundle.name + ".tsr")
    try:
        done = site("bundle", "create", str(bundle.with_suffix("")), "--stamp", url)
        assert done.returncode == 0, done.stderr
        assert "was not checked" in site("bundle", "verify", str(bundle)).stdout
        done = site("bundle", "verify", str(bundle), "--authority", str(root))
        assert (done.returncode, "existed at" in done.stdout) == (0, True), done.stdout
        (tmp_path / "elsewhere").mkdir()
        other = tmp_path / "elsewhere"
        key(other, "ca")
        openssl("req", "-x509", "-new", "-key", "ca.pem", "-subj", "/CN=other", "-out", "ca.crt", cwd=other)
        assert site("bundle", "verify", str(bundle), "--authority", str(other / "ca.crt")).returncode == 10
        side.write_bytes(side.read_bytes()[:-40])
        assert site("bundle", "verify", str(bundle), "--authority", str(root)).returncode == 10
    finally:
        side.unlink(missing_ok=True)


def test_an_authority_that_does_not_answer_is_said(site: Site, bundle: Path) -> None:
    done = site("bundle", "create", str(bundle.with_suffix("")), "--stamp", "http://127.0.0.1:9/tsa")
    assert done.returncode == 1
    assert "gave no time-stamp" in done.stderr
    assert not bundle.with_name(bundle.name + ".tsr").exists()
