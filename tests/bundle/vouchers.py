"""Who vouches for bundles in tests: keys, a time-stamp authority on loopback, and a software token (SoftHSM)."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from bundled import ROOT

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


@contextmanager
def answering(tmp_path: Path) -> Iterator[tuple[str, Path]]:
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


SOFTHSM = ROOT / ".venv" / "softhsm"
"""Where ``make`` lays SoftHSM: its library and the program that makes tokens."""
MODULE = next(SOFTHSM.glob("usr/lib/*/softhsm/libsofthsm2.so"), SOFTHSM / "libsofthsm2.so")


@dataclass(frozen=True)
class Token:
    """A token with one key pair ``fintech``; ``configuration`` is what SoftHSM finds it by."""

    folder: Path
    pin: str = "271828-airgap"

    @property
    def uri(self) -> str:
        """What names the key."""
        return f"pkcs11:token=evidence;object=fintech?module-path={MODULE}"

    @property
    def environment(self) -> dict[str, str]:
        """The variables by which a process finds the token and opens it."""
        return {"SOFTHSM2_CONF": str(self.folder / "softhsm2.conf"), "AIRGAP_PKCS11_PIN": self.pin}

    def tool(self, *arguments: str) -> None:
        """Run the program that makes tokens."""
        command = [str(SOFTHSM / "usr/bin/softhsm2-util"), "--module", str(MODULE), *arguments]
        done = subprocess.run(command, env={**os.environ, **self.environment}, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


def token(folder: Path) -> Token:
    """Make a token that holds a key pair on the curve P-256; its public key stands in ``token.pub``."""
    made = Token(folder)
    (folder / "tokens").mkdir()
    (folder / "softhsm2.conf").write_text(f"directories.tokendir = {folder / 'tokens'}\nlog.level = ERROR\n")
    made.tool("--init-token", "--free", "--label", "evidence", "--pin", made.pin, "--so-pin", "the-officer")
    key(folder, "token")
    openssl("pkcs8", "-topk8", "-nocrypt", "-in", "token.pem", "-out", "token.pk8", cwd=folder)
    made.tool("--import", str(folder / "token.pk8"), "--token", "evidence", "--label", "fintech", "--id", "a1",
              "--pin", made.pin)  # fmt: skip
    (folder / "token.pem").unlink()
    return made
