"""Whether this machine can have a lab, and what it lacks: rights that are tried, packages that are installed.

Run as ``python -m airgap.lab.ready``; it ends with 1, and says why, where tests with real components could only be
skipped.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

from airgap.errors import AirgapError, UsageError
from airgap.lab import postgres, valkey
from airgap.lab.packages import installed

PACKAGES = ("iproute2", "nftables", "openssh-client", "openssh-server", "podman", "runc", "skopeo")
"""What tests that do not install it themselves call."""
NEEDED = {
    "make a network namespace (CAP_SYS_ADMIN)": ["unshare", "--net", "true"],
    "make devices and routes in it (CAP_NET_ADMIN)": [
        "unshare", "--net", "ip", "link", "add", "veth0", "type", "veth", "peer", "name", "veth1",
    ],
    "filter packets in it (nftables)": ["unshare", "--net", "nft", "add table inet airgap"],
    "mount, so that namespaces have names": ["unshare", "--mount", "mount", "-t", "tmpfs", "none", "/mnt"],
}  # fmt: skip
"""What a lab does to a machine, each with a trial that leaves nothing."""


def lacking() -> list[str]:
    """Return what this machine's kernel does not let the caller do, each with what the kernel says."""
    found = []
    for what, trial in NEEDED.items():
        try:
            done = subprocess.run(trial, capture_output=True, text=True, timeout=30)
        except OSError as error:
            found.append(f"{what}: {error}")
            continue
        if done.returncode != 0:
            said = (done.stderr or done.stdout).strip().splitlines()
            found.append(f"{what}: {said[0] if said else f'exit code {done.returncode}'}")
    return found


def made(tell: Callable[[str], None]) -> None:
    """Install what is needed and try every right; raises ``UsageError`` with all that is lacking."""
    installed(*PACKAGES, tell=tell)
    postgres.installed(tell)
    for engine in valkey.PACKAGES:
        valkey.installed(engine, tell)
    missing = lacking()
    if missing:
        what = "This machine cannot have a lab; it does not let this user " + "; nor ".join(missing)
        raise UsageError(what, "the machine", "run as root, in a container with --privileged or in a virtual machine")


if __name__ == "__main__":
    try:
        made(lambda text: print(text, file=sys.stderr))
    except AirgapError as error:
        print(error.diagnostics(), file=sys.stderr)
        sys.exit(1)
