"""Hosts of the lab that are reached as an operator reaches them: by ssh, or through a container engine.

Both are this machine behind a real door: its own keys and settings, loopback alone, and nothing left afterwards.
Sources: sshd(8), sshd_config(5); podman-run(1), ``--rootfs``; containers-storage.conf(5).
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

from airgap.errors import AirgapError
from airgap.lab.component import HOST, free_port, listens, started
from airgap.lab.packages import installed

SEPARATION = Path("/run/sshd")
"""Where sshd's unprivileged half lives; the package's own unit would make it."""
_SSHD = """Port {port}
ListenAddress {address}
HostKey {folder}/host
AuthorizedKeysFile {folder}/own.pub
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
PidFile none
"""
_SSH = """Host {address}
  IdentityFile {folder}/own
  IdentitiesOnly yes
  UserKnownHostsFile {folder}/known
  StrictHostKeyChecking yes
"""
_STORE = """[storage]
driver = "vfs"
graphroot = "{folder}/store"
runroot = "{folder}/run"
"""
_ENGINE = """[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "runc"
tmp_dir = "{folder}/tmp"
[containers]
default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]
"""
_LIMIT = 60.0


@contextlib.contextmanager
def secure_shell(folder: Path, tell: Callable[[str], None]) -> Iterator[str]:
    """Run sshd on a free port of loopback; yield the address by which testinfra reaches it, keys and all."""
    installed("openssh-server", "openssh-client", tell=tell)
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("host", "own"):
        _run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)])
    port = free_port()
    (folder / "known").write_text(f"[{HOST}]:{port} {(folder / 'host.pub').read_text()}")
    (folder / "sshd_config").write_text(_SSHD.format(port=port, address=HOST, folder=folder))
    (folder / "ssh_config").write_text(_SSH.format(address=HOST, folder=folder))
    made = not SEPARATION.exists()
    SEPARATION.mkdir(mode=0o755, exist_ok=True)
    argv = ["/usr/sbin/sshd", "-D", "-e", "-f", str(folder / "sshd_config")]
    try:
        with started("sshd", argv, folder=folder, ready=lambda: listens(port)):
            yield f"ssh://root@{HOST}:{port}?ssh_config={folder}/ssh_config"
    finally:
        if made:
            SEPARATION.rmdir()


@contextlib.contextmanager
def container(name: str, folder: Path, tell: Callable[[str], None]) -> Iterator[dict[str, str]]:
    """Run a container without a network on this machine's own programs; yield the environment that its engine needs."""
    installed("podman", "runc", tell=tell)
    root = folder / "root"
    for one in ("usr", "proc", "sys", "dev", "etc", "tmp", "run"):
        (root / one).mkdir(parents=True, exist_ok=True)
    for one in ("bin", "lib", "lib64"):
        (root / one).symlink_to(f"usr/{one}")
    (folder / "storage.conf").write_text(_STORE.format(folder=folder))
    (folder / "containers.conf").write_text(_ENGINE.format(folder=folder))
    env = {"CONTAINERS_STORAGE_CONF": str(folder / "storage.conf"), "CONTAINERS_CONF": str(folder / "containers.conf")}
    command = ["podman", "run", "-d", "--name", name, "--network", "none", "-v", "/usr:/usr:ro", "--rootfs"]
    try:
        _run([*command, str(root), "/usr/bin/sleep", "600"], env)
        yield env
    finally:
        _run(["podman", "rm", "--force", "--ignore", "--time", "0", name], env)
        for one in ("store", "run", "tmp", "root"):
            shutil.rmtree(folder / one, ignore_errors=True)


def _run(command: list[str], env: dict[str, str] | None = None) -> None:
    done = subprocess.run(command, env={**os.environ, **(env or {})}, capture_output=True, text=True, timeout=_LIMIT)
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip()[-600:]
        raise AirgapError(f"{' '.join(command[:3])} failed: {said}", "the machine's own programs", "read what it says")
