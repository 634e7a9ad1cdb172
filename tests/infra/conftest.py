"""The harness for live hosts: how each is reached, and what its probes gave, kept for ``airgap probe``.

A host is an address as testinfra takes it: ``ssm://i-0a1b``, ``kubectl://pod``, ``ssh://host``, ``local://``. Two
backends are this project's own: ``netns`` (a network namespace of the lab) and ``ssm`` (Session Manager's Run Command).
"""

from __future__ import annotations

import json
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import testinfra
import testinfra.backend
from testinfra.backend.base import BaseBackend, CommandResult
from testinfra.backend.local import LocalBackend

from airgap import probes
from airgap.errors import AirgapError

LAB_RESOLVER = "169.254.169.253"
AT_ONCE = 8
"""Hosts that are probed at the same time."""


class NetnsBackend(LocalBackend):
    """A network namespace of this machine; its name is the host's."""

    NAME = "netns"

    def __init__(self, name: str, **options: Any) -> None:
        self.space = name
        super().__init__("local", **options)

    def get_pytest_id(self) -> str:
        """The host as it was given."""
        return f"netns://{self.space}"

    def run(self, command: str, *args: str, **_: Any) -> CommandResult:
        """Run a command in the namespace."""
        inner = self.quote("/bin/sh -c %s", self.get_command(command, *args))
        return self.run_local(f"nsenter --net=/run/netns/{self.space} {inner}")


class SessionManagerBackend(BaseBackend):
    """An instance, by Session Manager's Run Command; the document and its output stay in the account."""

    NAME = "ssm"

    def __init__(self, instance: str, **options: Any) -> None:
        self.instance = instance
        super().__init__(instance, **options)

    def run(self, command: str, *args: str, **_: Any) -> CommandResult:
        """Run a command, and wait until it has ended."""
        import boto3
        from botocore.config import Config

        from airgap.cloud.run_command import RunCommand

        # A client of its own: hosts are reached from several threads. It is RunCommand that tries again.
        client = boto3.session.Session().client("ssm", config=Config(retries={"total_max_attempts": 1}))
        ran = RunCommand(client, self.instance).run(self.get_command(command, *args))
        return self.result(ran.code, self.encode(command), ran.out, ran.error)


def pytest_configure(config: pytest.Config) -> None:
    """Add the backends of this project to testinfra's."""
    for one in (NetnsBackend, SessionManagerBackend):
        testinfra.backend.BACKENDS[one.NAME] = f"{__name__}.{one.__name__}"


def asked() -> dict[str, Any]:
    """What each host is asked, the resolver of those that name none, and the authorities that probes trust."""
    place = os.environ.get("AIRGAP_PROBES")
    return dict(json.loads(Path(place).read_text(encoding="utf-8"))) if place else {"hosts": {}}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each probe of each host."""
    if {"address", "probe"} <= set(metafunc.fixturenames):
        every = [(address, one["name"]) for address, own in asked()["hosts"].items() for one in own["probes"]]
        metafunc.parametrize(("address", "probe"), every)


def attempted(address: str, given: dict[str, Any]) -> list[dict[str, Any]]:
    """What came of every probe of a host: all are made at once, by one program that is sent there."""
    own = given["hosts"][address]["probes"]
    resolver = LAB_RESOLVER if address.startswith("netns://") else given["resolver"]
    sent = {"probes": own, "resolver": resolver, "authorities": given["authorities"]}
    try:
        done = testinfra.get_host(address).run("python3 -I -c %s %s", probes.script(), json.dumps(sent))
        if done.rc == 0:
            return list(json.loads(done.stdout))
        why = (done.stderr or done.stdout).strip()[-300:] or f"exit code {done.rc}"
    except AirgapError as error:
        why = error.what
    except (ValueError, RuntimeError, OSError, subprocess.SubprocessError) as error:
        why = f"{type(error).__name__}: {str(error)[-300:]}"
    return [{**one, "outcome": "broken", "detail": why} for one in own]


@pytest.fixture(scope="session")
def transcripts() -> dict[str, dict[str, dict[str, Any]]]:
    """What came of every probe of every host, kept where ``airgap probe`` wants it."""
    given = asked()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        made = dict(zip(given["hosts"], pool.map(lambda one: attempted(one, given), given["hosts"]), strict=True))
    place = os.environ.get("AIRGAP_PROBE_ANSWERS")
    if place:
        told = [{"Host": one, "Role": given["hosts"][one]["role"], "Answers": made[one]} for one in made]
        Path(place).write_text(json.dumps(told), encoding="utf-8")
    return {host: {one["name"]: one for one in answers} for host, answers in made.items()}
