"""A stand-in of Systems Manager on loopback that runs what it is sent on this machine, and cuts what it gives back.

It speaks the service's own protocol (awsJson1.1), so botocore is the real one. ``faults`` are answered first, by call.
"""

from __future__ import annotations

import json
import subprocess
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEPT = 24_000
"""Characters of an output that GetCommandInvocation gives (Systems Manager API Reference)."""


@dataclass
class SystemsManager:
    """What it was asked, what it knows, and the faults that it answers with, each once and in turn."""

    instances: dict[str, str] = field(default_factory=lambda: {"i-1": "Online"})
    faults: dict[str, list[str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    ran: dict[str, dict[str, Any]] = field(default_factory=dict)
    stuck: str = ""
    """A status in which every command stays."""

    def answer(self, call: str, given: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Return status and body of one call."""
        self.asked.append(call)
        if self.faults.get(call):
            return _error(self.faults[call].pop(0))
        return getattr(self, call)(given)

    def SendCommand(self, given: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if self.instances.get(given["InstanceIds"][0]) != "Online":
            return _error("InvalidInstanceId", "")
        name = str(uuid.uuid4())
        script = "\n".join(given["Parameters"]["commands"])
        done = subprocess.run(["/bin/sh", "-c", script], capture_output=True, text=True, timeout=60)
        status = "Success" if done.returncode == 0 else "Failed"
        self.ran[name] = {"Status": status, "StatusDetails": status, "ResponseCode": done.returncode,
                          "StandardOutputContent": done.stdout[:KEPT],
                          "StandardErrorContent": done.stderr[:8000]}  # fmt: skip
        return 200, {"Command": {"CommandId": name, "Status": "Pending"}}

    def GetCommandInvocation(self, given: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if self.stuck:
            return 200, {"Status": self.stuck, "StatusDetails": self.stuck, "ResponseCode": -1}
        return 200, {"CommandId": given["CommandId"], "InstanceId": given["InstanceId"], **self.ran[given["CommandId"]]}

    def CancelCommand(self, given: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        return 200, {}

    def DescribeInstanceInformation(self, given: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        wanted = given["Filters"][0]["Values"]
        found = [{"InstanceId": one, "PingStatus": self.instances[one]} for one in wanted if one in self.instances]
        return 200, {"InstanceInformationList": found}


def _error(code: str, text: str = "said no") -> tuple[int, dict[str, Any]]:
    return 400, {"__type": code, "message": text}


@contextmanager
def systems_manager() -> Iterator[tuple[str, SystemsManager]]:
    """Run one on a port that the kernel chose; its URL, and what it knows."""
    known = SystemsManager()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            given = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, body = known.answer(self.headers["X-Amz-Target"].partition(".")[2], given)
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: Any) -> None:
            """Keep quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", known
        finally:
            server.shutdown()
            thread.join()
