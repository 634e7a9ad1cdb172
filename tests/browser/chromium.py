"""A headless Chromium, driven by its own protocol: pages are opened, measured and looked at.

Source: Chrome DevTools Protocol, domains Target, Page, Runtime and Emulation.
"""

from __future__ import annotations

import base64
import itertools
import json
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any

from websocket import create_connection

PROGRAM = "chromium"
FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking",
    "--no-first-run", "--hide-scrollbars", "--remote-debugging-port=0", "--remote-allow-origins=*",
)  # fmt: skip
LIMIT = 60.0
"""Seconds that any answer may take."""


class Chromium:
    """One browser with one page in it."""

    def __enter__(self) -> Chromium:
        self._home = tempfile.mkdtemp(prefix="airgap-chromium-")
        command = [PROGRAM, *FLAGS, f"--user-data-dir={self._home}", "about:blank"]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        assert self._process.stderr is not None
        found = next(filter(None, (re.search(r"ws://\S+", line) for line in self._process.stderr)))
        self._socket = create_connection(found[0], timeout=LIMIT, suppress_origin=True)
        self._numbers, self._session = itertools.count(1), ""
        target = self._ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self._ask("Page.enable")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._socket.close()
        self._process.kill()
        self._process.wait()
        self._process.stderr.close()  # type: ignore[union-attr]
        shutil.rmtree(self._home, ignore_errors=True)

    def open(self, path: Path, width: int = 1280, media: str = "screen") -> None:
        """Show a file in a window of this width, in CSS pixels."""
        self._ask("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
        self._ask("Emulation.setEmulatedMedia", media=media)
        self._ask("Page.navigate", url=path.resolve().as_uri())
        while self._message().get("method") != "Page.loadEventFired":
            continue

    def run(self, script: str) -> Any:
        """Return what a script comes to, a promise's value included."""
        done = self._ask("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in done:
            raise RuntimeError(str(done["exceptionDetails"])[:2000])
        return done["result"].get("value")

    def picture(self, path: Path, tall: int = 4000) -> None:
        """Write what the page shows as PNG, down to so many pixels."""
        size = self._ask("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": min(size["height"], tall), "scale": 1}
        done = self._ask("Page.captureScreenshot", format="png", clip=clip, captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(done["data"]))

    def _ask(self, method: str, **params: Any) -> dict[str, Any]:
        number = next(self._numbers)
        more = {"sessionId": self._session} if self._session else {}
        self._socket.send(json.dumps({"id": number, "method": method, "params": params, **more}))
        while True:
            told = self._message()
            if told.get("id") == number:
                if "error" in told:
                    raise RuntimeError(f"{method}: {told['error']['message']}")
                return dict(told["result"])

    def _message(self) -> dict[str, Any]:
        return dict(json.loads(self._socket.recv()))
