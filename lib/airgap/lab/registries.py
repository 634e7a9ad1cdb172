"""Real registries of a lab: TLS by an authority of its own, a password, and a folder that holds what is pushed.

The program is the reference implementation of the distribution specification (Debian package docker-registry). It has
no referrers API and keeps no tag from moving: what ECR does in both is shown by the rehearsal, not here.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import os
import secrets
import socket
import ssl
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from airgap.errors import AirgapError
from airgap.lab.component import HOST, free_port, started
from airgap.rehearsal.authority import Authority as Authority

PACKAGES = ("docker-registry", "apache2-utils", "skopeo")
USER = "lab"
LIMIT = 120.0
"""Seconds for one command of a tool."""
_CONFIG = """version: 0.1
storage: {{filesystem: {{rootdirectory: {data}}}, delete: {{enabled: true}}}}
auth: {{htpasswd: {{realm: lab, path: {passwords}}}}}
http: {{addr: "{host}:{port}", tls: {{certificate: {pem}, key: {pem}}}}}
log: {{level: error, accesslog: {{disabled: true}}}}
"""


@dataclass(frozen=True)
class Registry:
    """A registry that answers on a port of loopback, for whoever knows its password."""

    port: int
    password: str
    data: Path

    @property
    def token(self) -> str:
        """The credentials as an ``Authorization`` header of Basic has them."""
        return base64.b64encode(f"{USER}:{self.password}".encode()).decode()

    def blob(self, digest: str) -> Path:
        """Return the file that holds a blob or manifest of a digest."""
        name = digest.removeprefix("sha256:")
        return self.data / "docker/registry/v2/blobs/sha256" / name[:2] / name / "data"


class ToolFailed(AirgapError):
    """A tool of the lab ended with an error; ``what`` ends with its own words."""


@contextlib.contextmanager
def registry(name: str, hosts: Sequence[str], folder: Path, authority: Authority) -> Iterator[Registry]:
    """Start a registry that proves to be each of ``hosts``, with what its folder has, until the context ends."""
    place = folder / name
    place.mkdir(parents=True, exist_ok=True)
    one = Registry(free_port(), secrets.token_hex(16), place / "data")
    made = tool(["htpasswd", "-niB", "-C", "4", USER], {"PATH": os.environ["PATH"]}, given=one.password + "\n")
    (place / "passwords").write_text(made)
    config = place / "config.yml"
    pem = authority.issue(list(hosts))
    config.write_text(_CONFIG.format(data=one.data, passwords=place / "passwords", host=HOST, port=one.port, pem=pem))
    # Each of these variables would override the configuration, REGISTRY_AUTH_FILE of other tools among them.
    clean = {key: value for key, value in os.environ.items() if not key.startswith("REGISTRY_")}

    def ready() -> bool:
        return _asked(one, hosts[0], authority.pem) == 401

    argv: list[str | Path] = ["docker-registry", "serve", config]
    with started(name, argv, folder=place, ready=ready, env=clean):
        yield one


def _asked(one: Registry, host: str, pem: str) -> int:
    """Return the status that somebody without a password gets."""
    context = ssl.create_default_context(cadata=pem)
    connection = http.client.HTTPSConnection(HOST, one.port, timeout=5)
    with socket.create_connection((HOST, one.port), timeout=5) as plain:
        connection.sock = context.wrap_socket(plain, server_hostname=host)
        try:
            connection.request("GET", "/v2/", headers={"Host": host})
            return connection.getresponse().status
        finally:
            connection.close()


def surroundings(folder: Path, proxy: str, pem: str, tokens: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of skopeo, Podman and Helm: the way by ``proxy``, whom to trust, and the passwords.

    ``tokens`` are credentials by host. Nothing of the caller's own configuration is read.
    """
    folder.mkdir(parents=True, exist_ok=True)
    ca, passwords, policy = folder / "ca.pem", folder / "auth.json", folder / ".config/containers/policy.json"
    ca.write_text(pem)
    passwords.touch(mode=0o600)
    passwords.write_text(json.dumps({"auths": {host: {"auth": token} for host, token in tokens.items()}}))
    policy.parent.mkdir(parents=True, exist_ok=True)
    policy.write_text('{"default": [{"type": "insecureAcceptAnything"}]}')
    homes = {name: str(folder) for name in ("HOME", "HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME")}
    return {
        **homes,
        "PATH": os.environ["PATH"],
        "HTTPS_PROXY": proxy,
        "NO_PROXY": "",
        "SSL_CERT_FILE": str(ca),
        "SSL_CERT_DIR": str(folder / "nobody-else"),
        "REGISTRY_AUTH_FILE": str(passwords),
        "HELM_REGISTRY_CONFIG": str(passwords),
    }


def tool(argv: Sequence[str | Path], env: Mapping[str, str], *, given: str = "", limit: float = LIMIT) -> str:
    """Return what a command says; ``ToolFailed`` where it ends with an error or does not end in ``limit`` seconds."""
    name = f"{Path(argv[0]).name} {argv[1]}"
    try:
        done = subprocess.run(
            [*map(str, argv)], env=dict(env), input=given, capture_output=True, text=True, timeout=limit, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise ToolFailed(f"{name} did not end in {limit:g} s", "anything else", "try again") from error
    if done.returncode != 0:
        raise ToolFailed(f"{name} failed: {(done.stderr or done.stdout).strip()[-600:]}", "anything else")
    return done.stdout
