"""The command line as a user has it: a process, an environment, a folder of reports."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from airgap import rehearsal

RUNS = ("plan", "apply", "verify", "destroy")
ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Airgap:
    """The command line, one embedded AWS and one folder of reports."""

    reports: Path
    environment: dict[str, str]
    params: Path = ROOT / "params"
    cwd: Path = ROOT
    extra: dict[str, str] = field(default_factory=dict)
    prepare: Callable[[], None] | None = None  # called in each command's process before it begins

    def __call__(self, *arguments: str, person: str = "", **more: str) -> subprocess.CompletedProcess[str]:
        """Run ``airgap`` and return what it printed and its exit code."""
        environment = {**self.env(), **more}
        if person:
            environment["AWS_ACCESS_KEY_ID"] = rehearsal.access_key(person)
        quick = ["--no-pdf"] if arguments and arguments[0] in RUNS and "--pdf" not in arguments else []
        command = [sys.executable, "-m", "airgap", *arguments, *quick]
        return subprocess.run(
            command, capture_output=True, text=True, env=environment, cwd=self.cwd, timeout=300, preexec_fn=self.prepare
        )

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start ``airgap`` and return its process, with both streams in one."""
        command = [sys.executable, "-m", "airgap", *arguments]
        return subprocess.Popen(
            command, env=self.env(), cwd=self.cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def await_writes(self, number: int) -> None:
        """Wait until the server has seen so many write calls."""
        deadline = time.monotonic() + 60
        while len(self.writes()) < number:
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def await_write(self, operation: str) -> None:
        """Wait until the server has seen a write call."""
        deadline = time.monotonic() + 90
        while operation not in self.writes():
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def json(self, *arguments: str, **more: str) -> tuple[int, dict[str, Any]]:
        """Run a command with ``--json`` and return its exit code and document."""
        done = self(*arguments, "--json", **more)
        assert done.stdout, done.stderr
        return done.returncode, json.loads(done.stdout)

    def env(self) -> dict[str, str]:
        """The environment of a command."""
        inherited = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "AIRGAP_"))}
        return {**inherited, **self.environment, "AIRGAP_REPORTS": str(self.reports), **self.extra}

    def boto(self, service: str) -> Any:
        """A stock boto3 client of the same account: the hand behind the runbook's back."""
        import boto3

        settings = self.environment
        return boto3.client(
            service,
            endpoint_url=settings["AWS_ENDPOINT_URL"],
            region_name=settings["AWS_REGION"],
            aws_access_key_id=settings["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=settings["AWS_SECRET_ACCESS_KEY"],
        )

    def control(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """Ask the embedded AWS something that AWS has no call for: faults, latency, calls."""
        request = urllib.request.Request(
            self.environment["AWS_ENDPOINT_URL"] + path,
            method=method,
            data=json.dumps(body).encode() if body is not None else None,
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def writes(self) -> list[str]:
        """The write calls that the server has seen, counted there and not by our journal."""
        return [one["operation"] for one in self.control("GET", "/rehearsal/calls") if one["write"]]

    def last_run(self, env: str = "demo") -> dict[str, Any]:
        """run.json of the last run."""
        return dict(json.loads((self.reports / env / "latest" / "run.json").read_text()))

    def findings(self, env: str = "demo") -> list[dict[str, Any]]:
        """The findings of the last run."""
        return list(json.loads((self.reports / env / "latest" / "findings.json").read_text())["findings"])
