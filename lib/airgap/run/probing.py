"""``airgap probe``: the harness of ``tests/infra`` run on live hosts, and what it found kept for the next verdict.

The harness is pytest with testinfra, so that a host can be reached in any way that testinfra knows, by Session
Manager, or in a namespace of the lab. What came of each probe is one transcript; every later plan and verification of
the environment reads it as one observation of method TEST.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airgap import params
from airgap.errors import AirgapError, MissingPredecessor, UsageError
from airgap.evidence.files import write_whole
from airgap.model.canonical import encode
from airgap.model.intent import Intent
from airgap.model.probe_list import SYSTEM, Places, probes_of, role_of
from airgap.model.probes import CALL, COMPONENT, SCHEMA, of_host, told
from airgap.run import beside, probe_places

if TYPE_CHECKING:
    pass

HARNESS = Path("tests") / "infra"
LIMIT = 1800.0
"""Seconds after which the harness is given up."""
BACKENDS = ("netns", "ssm", "kubectl", "docker", "podman", "ssh", "paramiko", "local")


def probe(
    env: str, hosts: Sequence[str], taken_at: str, vpcs: Sequence[str] = (), authority: str = ""
) -> dict[str, Any]:
    """Probe from every host, keep the transcript and return it, each answer with its status and its sentence.

    A host is an address as testinfra takes it: ``netns://NAMESPACE``, ``ssm://INSTANCE``, ``kubectl://POD``, ...;
    ``local://client`` is this machine as a client of the application. ``vpcs`` are those of which a lab was built,
    and ``authority`` is its own, in PEM: what it shows is of no other network. What components of the lab have shown
    is kept.
    """
    intent, root = params.load(env), params.project_root()
    _usable(root, intent, hosts)
    where = place(hosts, intent)
    found = _harness(root, _asked(root, intent, hosts, where, authority), intent)
    told_by = {"TakenAt": taken_at, "Place": where, "Vpcs": sorted(vpcs)}
    return keep(root, env, [{**one, **told_by} for one in found], lambda host: not host.startswith(COMPONENT))


def keep(root: Path, env: str, hosts: Sequence[Mapping[str, Any]], replaced: Callable[[str], bool]) -> dict[str, Any]:
    """Keep what hosts answered in place of those that are ``replaced``, beside the others; return the transcript."""
    path = beside.file_of(CALL, root, env)
    before = [one for one in _before(path) if not replaced(str(one["Host"]))]
    body = {"Schema": SCHEMA, "Hosts": sorted([*before, *hosts], key=lambda one: str(one["Host"]))}
    write_whole(path, encode(body) + "\n")
    new = {str(one["Host"]) for one in hosts}
    return {**body, "Judged": [one for one in judged(body) if one["host"] in new]}


def _before(path: Path) -> list[dict[str, Any]]:
    """Return the hosts of the last transcript, each with what it says of time and place; none where it is none."""
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
        every = [
            (one, {each: of_host(body, one, each) for each in ("TakenAt", "Place", "Vpcs")}) for one in body["Hosts"]
        ]
    except (OSError, ValueError, KeyError, TypeError):
        return []
    return [{**one, **told_by} for one, told_by in every]


def _asked(root: Path, intent: Intent, hosts: Sequence[str], where: str, authority: str) -> dict[str, Any]:
    """Return what each host is asked; of a lab's namespaces no service stands where the run has it."""
    known = probe_places.places(root, intent)
    if where == "lab":
        known = Places(roles=known.roles)
    asked = {one: {"role": role_of(one, known), "probes": probes_of(intent, role_of(one, known), known)}
             for one in hosts}  # fmt: skip
    return {
        "hosts": asked,
        "resolver": "",
        "authorities": {SYSTEM: authority} if where == "lab" else probe_places.authorities(intent),
    }


def place(hosts: Sequence[str], intent: Intent) -> str:
    """Return where the hosts stand: a namespace is one of the lab, everything else is in the world of the params."""
    kinds = {host.startswith("netns://") for host in hosts}
    if len(kinds) > 1:
        raise UsageError("hosts of the lab and others cannot be probed together", "anything", "probe them one by one")
    return "lab" if kinds == {True} else intent.world


def judged(body: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return (host, probe, status, sentence) of every answer of a transcript."""
    return [
        {"host": str(host["Host"]), "probe": str(one["name"]), "status": status, "said": said}
        for host in body["Hosts"]
        for one in host["Answers"]
        for status, said in [told(one, {each["name"]: each for each in host["Answers"]})]
    ]


def _usable(root: Path, intent: Intent, hosts: Sequence[str]) -> None:
    if not hosts:
        known = probe_places.places(root, intent).roles
        named = [f"--host ssm://{one} ({role})" for one, role in sorted(known.items()) if one.startswith("i-")]
        how = ", ".join(named[:4]) if named and not intent.embedded else "--host ssm://INSTANCE"
        raise MissingPredecessor("There is no host to probe from", "anything", f"airgap lab up, or name hosts: {how}")
    for one in hosts:
        kind, _, name = one.partition("://")
        if kind not in BACKENDS or not (name or kind == "local"):
            raise UsageError(f"{one!r} is no host", "anything", f"write BACKEND://NAME, of {', '.join(BACKENDS)}")
    if not (root / HARNESS).is_dir() or importlib.util.find_spec("testinfra") is None:
        raise UsageError("The harness is not installed here", "anything", "make setup installs it, with pytest")


def _harness(root: Path, asked: Mapping[str, Any], intent: Intent) -> list[dict[str, Any]]:
    """Run the harness on every host and return what it wrote; its own verdicts are not believed."""
    with tempfile.TemporaryDirectory() as folder:
        answers = Path(folder) / "answers.json"
        # By file: a system takes no variable of any length, and a lab may have many hosts.
        (Path(folder) / "asked.json").write_text(json.dumps(asked), encoding="utf-8")
        given = {"AIRGAP_PROBES": f"{folder}/asked.json", "AIRGAP_PROBE_ANSWERS": str(answers),
                 "AWS_REGION": intent.region, "AWS_DEFAULT_REGION": intent.region}  # fmt: skip
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n0",
                   str(root / HARNESS)]  # fmt: skip
        done = subprocess.run(
            command, cwd=root, env={**os.environ, **given}, capture_output=True, text=True, timeout=LIMIT
        )
        if not answers.exists():
            raise AirgapError(
                f"the harness ended with {done.returncode} and no answer: {(done.stdout + done.stderr)[-1200:]}",
                "the last transcript",
                "read what it says, and probe again",
            )
        found: list[dict[str, Any]] = json.loads(answers.read_text(encoding="utf-8"))
        return sorted(found, key=lambda one: str(one["Host"]))
