"""The server process: ``python -m airgap.rehearsal.serve FD`` serves on the listening socket FD until SIGTERM."""

from __future__ import annotations

import signal
import sys
import threading

from airgap.rehearsal.listener import listen


def main(fd: int) -> None:
    """Serve until SIGTERM or SIGINT; requests under way at that moment are cut off."""
    server = listen(fd=fd)

    def end(*_: object) -> None:
        threading.Thread(target=server.shutdown, daemon=True).start()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    server.serve_forever(poll_interval=0.05)
    server.server_close()


if __name__ == "__main__":
    main(int(sys.argv[1]))
