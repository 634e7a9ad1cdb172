"""The runbook's Lambda functions, run from their package in a process of their own, with AWS where a caller says."""

from __future__ import annotations

import contextlib
import io
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from airgap.errors import AirgapError
from airgap.lab import invoked

SECONDS = 60.0
"""What one invocation may take; the longest that the runbook declares for a function is 50."""


class FunctionFailed(AirgapError):
    """A function raised; ``what`` is the kind of error and what it says."""


class Functions:
    """Functions that can be invoked, each by the handler that Lambda is told."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def invoke(self, handler: str, event: Mapping[str, Any]) -> dict[str, Any]:
        """Return what a function answers to an event; raises ``FunctionFailed`` where it raised or did not answer."""
        asked, told = self._process.stdin, self._process.stdout
        if asked is None or told is None:
            raise FunctionFailed(f"{handler} has no process", "anything", "start it again")
        asked.write(json.dumps({"handler": handler, "event": event}) + "\n")
        asked.flush()
        line = told.readline() if select.select([told], [], [], SECONDS)[0] else ""
        if not line:
            raise FunctionFailed(f"{handler} did not answer in {SECONDS:g} s, or died", "anything", "read its log")
        answer = json.loads(line)
        if "error" in answer:
            raise FunctionFailed(f"{handler} raised {answer['error']}: {answer['said']}", "anything", "read its log")
        found: dict[str, Any] = answer["answer"]
        return found


@contextlib.contextmanager
def functions(package: bytes, folder: Path, environment: Mapping[str, str]) -> Iterator[Functions]:
    """Be ready to run what is in a package, unpacked while that lasts; what it says stays in ``functions.log``."""
    unpacked = Path(tempfile.mkdtemp(prefix="airgap-functions-"))
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        archive.extractall(unpacked)
    runtime = shutil.copy(Path(invoked.__file__), unpacked / "lambda_runtime.py")
    given = {"PATH": os.environ.get("PATH", ""), "HOME": str(unpacked), **environment}
    with (folder / "functions.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-E", "-s", str(runtime)], cwd=unpacked, env=given, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
        )  # fmt: skip
    try:
        yield Functions(process)
    finally:
        process.kill()
        process.communicate()
        shutil.rmtree(unpacked)
