"""A Kubernetes API with one pod, in which ``kubectl exec`` runs commands on this machine: as much as kubectl asks for.

Sources: Kubernetes API, "Pod", "exec" and ``v5.channel.k8s.io``; RFC 6455 (handshake, frames).
"""

from __future__ import annotations

import base64
import hashlib
import json
import struct
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

PROTOCOL = "v5.channel.k8s.io"
OUT, ERROR, STATUS = 1, 2, 3
POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "prober", "namespace": "probing"},
       "spec": {"containers": [{"name": "prober", "image": "prober"}]}, "status": {"phase": "Running"}}  # fmt: skip
PODS = {
    "name": "pods",
    "singularName": "pod",
    "namespaced": True,
    "kind": "Pod",
    "verbs": ["get"],
    "shortNames": ["po"],
}
PAGES: dict[str, Any] = {
    "/api": {"kind": "APIVersions", "versions": ["v1"]},
    "/apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": []},
    "/api/v1": {"kind": "APIResourceList", "groupVersion": "v1", "resources": [PODS]},
    "/api/v1/namespaces/probing/pods/prober": POD,
}


class Handler(BaseHTTPRequestHandler):
    """Answers what kubectl asks before and in ``exec``."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        if url.path.endswith("/prober/exec") and PROTOCOL in self.headers.get("Sec-WebSocket-Protocol", ""):
            self.exec(parse_qs(url.query)["command"])
            return
        body = PAGES.get(url.path)
        data = json.dumps(body or {"kind": "Status", "status": "Failure", "code": 404, "reason": "NotFound"}).encode()
        self.send_response(200 if body else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def exec(self, command: list[str]) -> None:
        key = self.headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", base64.b64encode(hashlib.sha1(key.encode()).digest()).decode())
        self.send_header("Sec-WebSocket-Protocol", PROTOCOL)
        self.end_headers()
        done = subprocess.run(command, capture_output=True, timeout=60)
        self.frame(OUT, done.stdout)
        self.frame(ERROR, done.stderr)
        cause = {"reason": "ExitCode", "message": str(done.returncode)}
        failed = {"status": "Failure", "reason": "NonZeroExitCode", "details": {"causes": [cause]}}
        status = failed if done.returncode else {"status": "Success"}
        self.frame(STATUS, json.dumps({"metadata": {}, **status}).encode())
        self.wfile.write(b"\x88\x02" + struct.pack("!H", 1000))
        self.close_connection = True

    def frame(self, channel: int, data: bytes) -> None:
        """Send one binary frame on a channel, unmasked, as servers do."""
        body = bytes([channel]) + data
        size = bytes([len(body)]) if len(body) < 126 else b"\x7e" + struct.pack("!H", len(body)) if len(body) < 65536 \
            else b"\x7f" + struct.pack("!Q", len(body))  # fmt: skip
        self.wfile.write(b"\x82" + size + body)
        self.wfile.flush()

    def log_message(self, *_: Any) -> None:
        """Keep quiet."""


@contextmanager
def pod_api(folder: Path) -> Iterator[Path]:
    """Run the API on loopback; yield a kubeconfig for it."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        config = {"apiVersion": "v1", "kind": "Config", "current-context": "lab", "users": [],
                  "clusters": [{"name": "lab", "cluster": {"server": f"http://127.0.0.1:{server.server_address[1]}"}}],
                  "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": ""}}]}  # fmt: skip
        file = folder / "kubeconfig"
        file.write_text(json.dumps(config))
        try:
            yield file
        finally:
            server.shutdown()
            thread.join()
