"""Commands on an instance by Systems Manager's Run Command: sent, waited for, and read whole.

What a command prints is kept in the account for thirty days and read back at most 24,000 characters long, so a command
writes into a folder of the host's, compressed, and is read piece by piece. Nothing is sent to a bucket.
Sources: Systems Manager API Reference, SendCommand, GetCommandInvocation (StandardOutputContent, StatusDetails,
ResponseCode), DescribeInstanceInformation; User Guide, "Understanding command statuses".
"""

from __future__ import annotations

import base64
import gzip
import re
import shlex
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from airgap.cloud import failures
from airgap.errors import AirgapError, CallFailed, Unreachable, Unsettled

DOCUMENT = "AWS-RunShellScript"
MOST = 24_000
"""Characters of a command's output that GetCommandInvocation gives."""
PIECE = 15_000
"""Bytes that are read at once: as base64 they are 20,000 characters."""
ENDED = ("Success", "Failed", "Cancelled", "TimedOut", "Undeliverable", "Terminated", "InvalidPlatform", "AccessDenied",
         "DeliveryTimedOut", "ExecutionTimedOut", "Incomplete")  # fmt: skip
ATTEMPTS = 8
_UNCHANGED = "anything but the host's temporary files"
_RUN = """umask 077; d=$(mktemp -d); ( {command} ) >"$d/out" 2>"$d/err"; rc=$?
gzip -c "$d/out" >"$d/o"; gzip -c "$d/err" >"$d/e"; rm -f "$d/out" "$d/err"
echo "$rc $(wc -c <"$d/o") $(wc -c <"$d/e") $d"; head -c {piece} "$d/o" | base64 -w0
"""
_FOLDER = re.compile(r"/\S*/tmp\.\w+")
"""What mktemp makes; nothing else is removed."""
_MORE = "tail -c +{start} {path} | head -c {piece} | base64 -w0"


class Ran(NamedTuple):
    """What became of a command: its exit code and all that it wrote."""

    code: int
    out: bytes
    error: bytes


class CommandFailed(CallFailed):
    """A command did not run to its end; ``what`` names the host, the status and why."""


@dataclass
class RunCommand:
    """One instance that runs commands; ``client`` is botocore's of ``ssm``, without retries of its own.

    ``within`` is how many seconds a command may take. What may be raised: ``Unreachable`` (the instance is not managed,
    not online or not there), ``Unsettled`` (not ended in time), ``CommandFailed`` (ended by Systems Manager, or its
    output is not what it wrote), ``AccessDenied`` and other ``CallFailed`` (AWS refused the call).
    """

    client: Any
    instance: str
    within: float = 120.0
    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], float] = field(default=time.monotonic)

    def run(self, command: str) -> Ran:
        """Run a command of a shell and return when it has ended; it may be run twice, where an answer is lost."""
        first, _, piece = self._said(_RUN.format(command=command, piece=PIECE)).partition("\n")
        try:
            code, out, error, folder = first.split(" ", 3)
            sizes, told = (int(out), int(error)), int(code)
            if not _FOLDER.fullmatch(folder):
                raise ValueError(folder)
        except ValueError as cause:
            raise self._broken(f"answered {first[:80]!r}") from cause
        try:
            held = self._rest(f"{folder}/o", self._decoded(piece), sizes[0])
            faults = self._rest(f"{folder}/e", b"", sizes[1])
        finally:
            self._said(f"rm -rf {shlex.quote(folder)}")
        return Ran(told, gzip.decompress(held), gzip.decompress(faults))

    def _rest(self, path: str, held: bytes, size: int) -> bytes:
        while len(held) < size:
            asked = _MORE.format(start=len(held) + 1, path=shlex.quote(path), piece=PIECE)
            more = self._decoded(self._said(asked))
            if not more:
                raise self._broken(f"gave {len(held)} of {size} bytes")
            held += more
        return held

    def _decoded(self, text: str) -> bytes:
        try:
            return base64.b64decode(text.strip(), validate=True)
        except ValueError as error:
            raise self._broken("gave what is no base64") from error

    def _broken(self, how: str) -> CommandFailed:
        return CommandFailed(f"{self.instance} {how}", _UNCHANGED, "see the command in Session Manager, and try again")

    def _said(self, command: str) -> str:
        """Run one command and return its standard output, which is short enough to be there whole."""
        seconds = max(30, int(self.within))  # the least that SendCommand takes for delivery
        sent = self._call("send_command", InstanceIds=[self.instance], DocumentName=DOCUMENT, TimeoutSeconds=seconds,
                          Parameters={"commands": [command], "executionTimeout": [str(seconds)]})  # fmt: skip
        name, end = str(sent["Command"]["CommandId"]), self.now() + self.within
        pause = 0.25
        while True:
            found = self._invocation(name)
            status = str(found.get("StatusDetails") or found.get("Status") or "")
            if found.get("Status") in ENDED:
                break
            if self.now() > end:
                raise self._late(name, status)
            self.sleep(pause)
            pause = min(pause * 1.5, 4.0)
        # A script that ends with another code than 0 has failed, and has run all the same.
        if status not in ("Success", "Failed") or found.get("ResponseCode", -1) < 0:
            why = str(found.get("StandardErrorContent", "")).strip()[:300]
            what = f"{self.instance} did not run the command {name}: {status} {why}"
            raise CommandFailed(what.strip(), _UNCHANGED, "see the instance and its agent in Systems Manager")
        if found["ResponseCode"] != 0:
            why = str(found.get("StandardErrorContent", "")).strip()[:300]
            what = f"{self.instance} ended the command {name} with {found['ResponseCode']}: {why}"
            raise CommandFailed(what, _UNCHANGED, "the host needs a shell with mktemp, gzip and base64")
        text = str(found["StandardOutputContent"])
        if len(text) >= MOST:
            raise self._broken(f"gave {len(text)} characters, which are cut")
        return text

    def _late(self, name: str, status: str) -> Unsettled:
        """Cancel a command that takes too long; whether it still can be is Systems Manager's to know."""
        how = ""
        try:
            self._call("cancel_command", CommandId=name, InstanceIds=[self.instance])
        except AirgapError as error:
            how = f", and could not be cancelled ({error.what})"
        what = f"{self.instance} did not end the command {name} in {self.within:.0f} s ({status or 'no status'}){how}"
        return Unsettled(what, _UNCHANGED, "see the instance's agent in Systems Manager, and try again")

    def _invocation(self, name: str) -> dict[str, Any]:
        """Return an invocation, empty until Systems Manager knows it: it is there a moment after the command."""
        return dict(self._call("get_command_invocation", ("InvocationDoesNotExist",), CommandId=name,
                               InstanceId=self.instance))  # fmt: skip

    def _call(self, operation: str, absent: tuple[str, ...] = (), **params: Any) -> dict[str, Any]:
        """Make one call, again where AWS throttles or fails it; return nothing where what it asks is absent."""
        from botocore.exceptions import BotoCoreError, ClientError

        call = "ssm:" + "".join(part.capitalize() for part in operation.split("_"))
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return dict(getattr(self.client, operation)(**params))
            except (BotoCoreError, ClientError) as error:
                failure = failures.read(error, absent)
                if failure.code in absent:
                    return {}
                if failure.code == "InvalidInstanceId":
                    raise self._unmanaged(failure.message) from error
                if not failure.retryable or attempt == ATTEMPTS:
                    raise failures.raised(failure, call, call, "", self.instance) from error
                self.sleep(min(0.2 * 2**attempt, 8.0))
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _unmanaged(self, message: str) -> Unreachable:
        """Return why an instance takes no commands: Systems Manager does not know it, or has lost it."""
        asked = [{"Key": "InstanceIds", "Values": [self.instance]}]
        known = self._call("describe_instance_information", Filters=asked).get("InstanceInformationList") or []
        state = f"is {known[0].get('PingStatus')} there" if known else "is not managed by it"
        what = (
            f"{self.instance} takes no commands of Systems Manager: it {state} ({message.strip() or 'no reason given'})"
        )
        action = "start the instance; its agent, its role and the endpoints ssm, ssmmessages, ec2messages let it report"
        return Unreachable(what, "anything", action)
