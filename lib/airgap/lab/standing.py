"""Labs that stand on this machine: bringing one up from a snapshot, finding those that run, taking one down.

Everything of a lab bears its name: its namespaces, one process that answers in them, and a folder of state outside
the work tree. Nothing listens in the machine's own namespace, and no device is made there.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from airgap.egress.network import Network
from airgap.errors import AirgapError, UsageError
from airgap.lab import doors, instances, kernel, listening, names, packages, twin
from airgap.lab.gateways import internet_of
from airgap.rehearsal.authority import Authority

SERVER = "airgap.lab.serve"
PACKAGES = ("iproute2", "nftables")
START_SECONDS, STOP_SECONDS = 20.0, 10.0
_children: dict[int, subprocess.Popen[bytes]] = {}


@dataclass(frozen=True)
class Lab:
    """A lab that stands: its name, what its namespaces begin with, the process that answers, and its spaces."""

    name: str
    prefix: str
    pid: int
    kinds: dict[str, str]
    missing: tuple[str, ...] = ()
    source: str = ""
    origins: tuple[str, ...] = ()

    @property
    def spaces(self) -> list[str]:
        """The names of its spaces, without the lab's own."""
        return sorted(self.kinds)

    def as_data(self) -> dict[str, Any]:
        """Return the lab as JSON data."""
        return {**asdict(self), "missing": list(self.missing), "origins": list(self.origins)}


def home() -> Path:
    """Return the folder that holds one folder a lab."""
    base = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(base) / "airgap" / "lab"


def install(said: Callable[[str], None]) -> None:
    """Install what is needed (Debian, Ubuntu), after saying what; raises where it cannot be."""
    if os.geteuid() != 0:
        raise UsageError("A lab makes network namespaces, which root alone may", "anything", "run it as root")
    packages.installed(*PACKAGES, tell=said)


def up(network: Network, name: str, source: str = "") -> Lab:
    """Bring a lab up and return when it answers; raises where one of this name stands already."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,30}", name):
        raise UsageError(f"{name!r} is no name for a lab", "anything", "small letters, digits and dashes, at most 31")
    prefix, place = f"airgap.{name}.", home() / name
    if status(name) is not None or kernel.spaces(prefix):
        raise UsageError(f"a lab {name} stands already", "it", f"airgap lab down --name {name}, or give another --name")
    builder = twin.Builder(network)
    made = builder.build()
    internet_of(builder)
    meant = names.names(network)
    listening.resolvers(builder, meant)
    instances.beside(builder)
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(mode=0o700, parents=True)
    (place / "twin.txt").write_text(made.text())
    serving = {"prefix": prefix, "names": meant, "listens": listening.listens(made, network, meant),
               "ready": str(place / "ready"), **_certified(network, place)}  # fmt: skip
    (place / "serve.json").write_text(json.dumps(serving, indent=1))
    try:
        kernel.carry_out(made, prefix)
        kinds = {one: space.kind for one, space in made.spaces.items()}
        lab = Lab(name, prefix, _serve(place), kinds, tuple(made.missing), source, _origins(network, kinds))
        (place / "lab.json").write_text(json.dumps(lab.as_data(), indent=1))
        _await(place, lab)
    except BaseException:
        down(name)
        raise
    return lab


def _origins(network: Network, kinds: Mapping[str, str]) -> tuple[str, ...]:
    """Return the hosts on which something of the environment's own runs: instances, pods, and functions in the VPC."""
    runs = [name for name, one in network.interfaces.items()
            if (one.get("Attachment") or {}).get("InstanceId") or one.get("InterfaceType") == "lambda"]  # fmt: skip
    pods = [name for name, kind in kinds.items() if kind == "pod"]
    return tuple(sorted([one for one in runs if kinds.get(one) == "host"] + pods))


def authority_file(name: str) -> Path:
    """Return the file with the certificate of the authority that a lab's services are proven by."""
    return home() / name / "authority.pem"


def _certified(network: Network, place: Path) -> dict[str, str]:
    """Issue the certificate of the buckets behind endpoints; its authority is this lab's alone."""
    regions = sorted({region for _, region, _ in doors.s3_endpoints(network)})
    china = any(one.startswith("cn-") for one in regions)
    suffix = "amazonaws.com.cn" if china else "amazonaws.com"
    authority = Authority(place)
    wanted = [f"{wild}s3.{one}.{suffix}" for one in regions for wild in ("*.", "")]
    (place / "authority.pem").write_text(authority.pem)
    return {"certificate": str(authority.issue(wanted or ["localhost"])), "partition": "aws-cn" if china else "aws"}


def _serve(place: Path) -> int:
    with (place / "serve.log").open("wb") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", SERVER, str(place / "serve.json")],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd="/",
        )  # fmt: skip
    _children[child.pid] = child
    return child.pid


def _await(place: Path, lab: Lab) -> None:
    end = time.monotonic() + START_SECONDS
    while not (place / "ready").exists():
        if not _runs(lab.pid) or time.monotonic() > end:
            said = (place / "serve.log").read_text(errors="replace")[-800:]
            raise AirgapError(
                f"nothing answers in the lab {lab.name}: {said}", "the machine's own network", "try again"
            )
        time.sleep(0.02)


def down(name: str) -> bool:
    """Take a lab down: its process, its namespaces and its folder; tell whether there was anything."""
    lab, prefix = read(name), f"airgap.{name}."
    if lab is not None and _runs(lab.pid):
        os.kill(lab.pid, signal.SIGTERM)
        _ended(lab.pid)
    removed = kernel.remove(prefix)
    held = (home() / name).exists()
    shutil.rmtree(home() / name, ignore_errors=True)
    return bool(lab is not None or removed or held)


def read(name: str) -> Lab | None:
    """Return what is recorded of a lab, whether it still stands or not."""
    try:
        data = json.loads((home() / name / "lab.json").read_text())
    except FileNotFoundError:
        return None
    return Lab(**{**data, "missing": tuple(data["missing"]), "origins": tuple(data["origins"])})


def status(name: str) -> Lab | None:
    """Return a lab that stands whole: its process runs and every space is there."""
    lab = read(name)
    if lab is None or not _runs(lab.pid):
        return None
    return lab if len(kernel.spaces(lab.prefix)) == len(lab.kinds) else None


def standing() -> list[Lab]:
    """Return every lab that stands, by name."""
    found = sorted(one.name for one in home().iterdir()) if home().is_dir() else []
    return [lab for one in found if (lab := status(one)) is not None]


def _runs(pid: int) -> bool:
    """Tell whether a process is one of ours that runs: its number alone may be another's by now."""
    child = _children.get(pid)
    if child is not None:
        return child.poll() is None
    with contextlib.suppress(OSError):
        return SERVER.encode() in Path(f"/proc/{pid}/cmdline").read_bytes()
    return False


def _ended(pid: int) -> None:
    end = time.monotonic() + STOP_SECONDS
    while _runs(pid):
        if time.monotonic() > end:
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)
    _children.pop(pid, None)
