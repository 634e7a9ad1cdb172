"""A container engine of a lab: Podman with a store, a state and settings of its own, which end with the lab.

It pulls from registries as the lab's other tools do, and runs pods in a network namespace of the lab.
Sources: containers.conf(5); podman-kube-play(1).
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from airgap.lab import leavings
from airgap.lab.kernel import inside
from airgap.lab.registries import ToolFailed, tool

PACKAGES = ("podman", "runc", "catatonit")
TRIAL = 60.0
"""Seconds for the first container, with which the engine shows that it runs any."""
_SETTINGS = """[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "runc"
[containers]
# Equal and low: raising them takes a capability that containers of CI lack.
default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]
# The proxy is the engine's way to a registry; no container hears of it.
http_proxy = false
"""


@dataclass(frozen=True)
class Engine:
    """Podman as one lab uses it: its store in ``folder``, its state in ``state``, and the pods that it was given."""

    folder: Path
    state: Path
    env: Mapping[str, str]
    pods: list[str] = field(default_factory=list)
    containers: list[str] = field(default_factory=list)

    def run(self, *words: str | Path, given: str = "") -> str:
        """Return what a command of Podman says; ``ToolFailed`` where it fails."""
        places = {"--root": self.folder / "store", "--runroot": self.state / "run", "--tmpdir": self.state / "tmp"}
        stores = [str(word) for one in places.items() for word in one]
        # Plain copies: overlays cannot be mounted everywhere, and the images are small.
        return tool(["podman", *stores, "--storage-driver", "vfs", *words], self.env, given=given)

    def pull(self, reference: str) -> str:
        """Pull an image by its digest and return that of what is in the store now."""
        self.run("pull", "--quiet", reference)
        return str(json.loads(self.run("image", "inspect", reference))[0]["Digest"])

    def secret(self, name: str, values: Mapping[str, str]) -> None:
        """Keep a Secret that pods name; its values are never on a command line."""
        coded = {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}
        self.run("secret", "create", name, "-", given=json.dumps(coded))

    def play(self, pod: Mapping[str, Any], space: str) -> list[dict[str, Any]]:
        """Run a pod in a network namespace and return its containers as the engine describes them."""
        name = pod["metadata"]["name"]
        file = self.folder / f"{name}.json"
        file.write_text(json.dumps(pod, indent=1))
        self.pods.append(name)
        with inside(space):
            self.run("play", "kube", "--network", "host", file)
        names = [f"{name}-{one['name']}" for one in pod["spec"]["containers"]]
        self.containers.extend(names)
        found: list[dict[str, Any]] = json.loads(self.run("container", "inspect", *names))
        return found

    def logs(self, container: str) -> str:
        """Return what a container has said."""
        return self.run("logs", container)


@contextlib.contextmanager
def engine(folder: Path, env: Mapping[str, str]) -> Iterator[Engine]:
    """Give an engine with an empty store; when the context ends its pods end, its store goes, their logs are kept."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "containers.conf").write_text(_SETTINGS)
    clear()
    with leavings.held("engine", {"folder": str(folder)}) as state:
        one = Engine(folder, state, {**env, "CONTAINERS_CONF": str(folder / "containers.conf")})
        try:
            yield one
        finally:
            for name in one.containers:
                (folder / f"{name}.log").write_text(one.logs(name))
            if one.pods:
                one.run("pod", "rm", "--force", "--ignore", "--time", "0", *one.pods)
            shutil.rmtree(folder / "store", ignore_errors=True)


def clear() -> int:
    """End the pods of engines whose labs were killed, and return how many engines that were."""
    with leavings.abandoned("engine") as found:
        for state, facts in found:
            folder = Path(facts["folder"])
            if folder.is_dir():
                env = {"PATH": os.environ["PATH"], "CONTAINERS_CONF": str(folder / "containers.conf")}
                Engine(folder, state, env).run("pod", "rm", "--all", "--force", "--time", "0")
                shutil.rmtree(folder / "store", ignore_errors=True)
        return len(found)


def unusable(one: Engine, archive: Path) -> str:
    """Return why no container runs here, empty where one does; ``archive`` is a file system with a busybox in it."""
    try:
        one.run("import", "--quiet", archive, "localhost/trial:1")
        one.run("run", "--rm", "--network", "none", "localhost/trial:1", "/bin/busybox", "true")
    except (ToolFailed, OSError) as error:
        return f"Podman runs no container on this machine: {error}"
    return ""


def enforced(container: Mapping[str, Any]) -> dict[str, str]:
    """Return what the kernel holds a running container to: user, capabilities, privileges, seccomp, root, memory.

    Read from /proc and the memory cgroup, not from what the engine says that it asked for (proc(5)).
    """
    pid = int(container["State"]["Pid"])
    status = dict(
        line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":\t" in line
    )
    mounts = [line.split() for line in Path(f"/proc/{pid}/mountinfo").read_text().splitlines()]
    root = next(one for one in mounts if one[4] == "/")
    return {
        "user": status["Uid"].split()[1],
        "capabilities": status["CapEff"].strip(),
        "no_new_privileges": status["NoNewPrivs"].strip(),
        "seccomp": status["Seccomp"].strip(),
        "root": root[5].split(",")[0],
        "memory": _memory(pid),
    }


def _memory(pid: int) -> str:
    """Return the limit in bytes, by the first or the second version of cgroups; empty where neither tells."""
    groups = [line.split(":", 2) for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines()]
    files = [
        Path("/sys/fs/cgroup/memory" + path, "memory.limit_in_bytes") if "memory" in kinds.split(",")
        else Path("/sys/fs/cgroup" + path, "memory.max")
        for _, kinds, path in groups if kinds in ("", "memory")
    ]  # fmt: skip
    found = [one.read_text().strip() for one in files if one.is_file()]
    return found[0] if found else ""
