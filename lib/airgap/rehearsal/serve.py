"""The server process: ``python -m airgap.rehearsal.serve FD`` serves on the listening socket FD until SIGTERM."""

from __future__ import annotations

import os
import signal
import sys
import threading

from airgap.rehearsal.faces import SERVED
from airgap.rehearsal.listener import listen
from airgap.rehearsal.process import state_home

# What a first run of the steps calls, in about that order.
SERVICES = ("ec2", "sts", "iam", "s3", "kms", "logs", "route53resolver", "cloudtrail", "route53", "eks", "ecr", "ssm")


def main(fd: int) -> None:
    """Serve until SIGTERM or SIGINT; requests under way at that moment are cut off."""
    server = listen(fd=fd)
    SERVED.keep_in(state_home() / str(server.server_address[1]))

    def end(*_: object) -> None:
        threading.Thread(target=server.shutdown, daemon=True).start()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    threading.Thread(target=server.app.warm, args=(SERVICES,), daemon=True).start()
    server.serve_forever(poll_interval=0.05)
    server.server_close()
    sys.stdout.flush()
    # Nothing is left to save, and taking moto's modules down takes longer than everything else.
    os._exit(0)


if __name__ == "__main__":
    main(int(sys.argv[1]))
