"""The harness for live hosts: how each is reached, and what its probes gave, kept for ``airgap probe``.

Hosts are given as testinfra takes them, ``--hosts=ssm://i-0a1b,kubectl://pod,ssh://host,local://``. Two backends are
this project's own: ``netns`` (a network namespace of the lab) and ``ssm`` (Session Manager's Run Command).
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest
import testinfra.backend
from testinfra.backend.base import BaseBackend, CommandResult
from testinfra.backend.local import LocalBackend

from airgap.probes import asker

LAB_RESOLVER = "169.254.169.253"
WAIT = 120.0
"""Seconds for one command through Session Manager."""
ENDED = ("Success", "Cancelled", "TimedOut", "Failed")
ANSWERS: dict[str, list[dict[str, Any]]] = {}


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
        self.client: Any = None
        super().__init__(instance, **options)

    def run(self, command: str, *args: str, **_: Any) -> CommandResult:
        """Run a command, and wait until it has ended."""
        import boto3

        self.client = self.client or boto3.client("ssm")
        sent = self.client.send_command(
            InstanceIds=[self.instance],
            DocumentName="AWS-RunShellScript",
            Parameters={"commands": [self.get_command(command, *args)]},
        )
        name, end = sent["Command"]["CommandId"], time.monotonic() + WAIT
        while time.monotonic() < end:
            found = self._asked(name)
            if found.get("Status") in ENDED:
                out, error = found["StandardOutputContent"], found["StandardErrorContent"]
                return self.result(found["ResponseCode"], self.encode(command), out.encode(), error.encode())
            time.sleep(0.5)
        raise TimeoutError(f"{self.instance} did not end the command {name} in {WAIT:.0f} s")

    def _asked(self, name: str) -> dict[str, Any]:
        try:
            return dict(self.client.get_command_invocation(CommandId=name, InstanceId=self.instance))
        except self.client.exceptions.InvocationDoesNotExist:
            return {}


def pytest_configure(config: pytest.Config) -> None:
    """Add the backends of this project to testinfra's."""
    for one in (NetnsBackend, SessionManagerBackend):
        testinfra.backend.BACKENDS[one.NAME] = f"{__name__}.{one.__name__}"


def asked() -> dict[str, Any]:
    """The probes that are to be made."""
    return dict(json.loads(os.environ.get("AIRGAP_PROBES", '{"probes": []}')))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each probe of each host."""
    if "probe" in metafunc.fixturenames:
        metafunc.parametrize("probe", [one["name"] for one in asked()["probes"]])


@pytest.fixture(scope="module")
def answers(host: Any) -> dict[str, dict[str, Any]]:
    """What came of every probe of a host: all are made at once, by one file that is sent there."""
    name = host.backend.get_pytest_id()
    given = asked()
    if name.startswith("netns://"):
        given["resolver"] = LAB_RESOLVER
    done = host.run("python3 -I -c %s %s", Path(asker.__file__).read_text(), json.dumps(given))
    if done.rc == 0:
        ANSWERS[name] = json.loads(done.stdout)
    else:
        why = (done.stderr or done.stdout).strip()[-300:]
        ANSWERS[name] = [{**one, "outcome": "broken", "detail": why} for one in given["probes"]]
    return {one["name"]: one for one in ANSWERS[name]}


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Keep what came of the probes, where ``airgap probe`` wants it."""
    place = os.environ.get("AIRGAP_PROBE_ANSWERS")
    if place and ANSWERS:
        found = [{"Host": host, "Answers": held} for host, held in ANSWERS.items()]
        Path(place).write_text(json.dumps(found), encoding="utf-8")
