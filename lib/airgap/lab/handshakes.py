"""TLS handshakes tried one by one: with which authority, under which name, in which version, and who says no.

A version that this machine's own library would not offer is offered all the same, so that a refusal is the server's.
"""

from __future__ import annotations

import socket
import ssl
import warnings
from collections.abc import Callable
from pathlib import Path

from airgap.lab.component import HOST
from airgap.model.probes import ANSWERED, REFUSED

SECONDS = 5.0
UNTRIED = "broken"
"""What comes of an attempt that could not be made as it was meant; it shows nothing."""
OLD, LEAST = ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_2
_SSL_REQUEST = b"\x00\x00\x00\x08\x04\xd2\x16\x2f"
"""PostgreSQL's question whether TLS may begin (PostgreSQL, "Message Formats", SSLRequest)."""
_ALERTS = ("TLSV1_ALERT_PROTOCOL_VERSION", "SSLV3_ALERT_HANDSHAKE_FAILURE", "TLSV1_UNRECOGNIZED_NAME")


def postgres(one: socket.socket) -> None:
    """Ask PostgreSQL to begin TLS; raises ``OSError`` where it will not."""
    one.sendall(_SSL_REQUEST)
    said = one.recv(1)
    if said != b"S":
        raise ConnectionRefusedError(f"the server answers {said!r} to a request for TLS")


def shaken(
    port: int, authority: Path, name: str, *, version: ssl.TLSVersion | None = None,
    before: Callable[[socket.socket], None] | None = None,
) -> tuple[str, str]:  # fmt: skip
    """Return (outcome, detail) of a handshake in one version, or in any that a client of today would take.

    What a client's verification refuses is refused; so is what the server answers by an alert. Everything else that
    fails was not tried.
    """
    trust = ssl.create_default_context(cafile=str(authority))
    if version is not None:
        # Library and distribution forbid old versions to clients; here the server is to be heard.
        trust.set_ciphers("ALL:@SECLEVEL=0")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            trust.minimum_version = trust.maximum_version = version
    try:
        with socket.create_connection((HOST, port), SECONDS) as plain:
            if before:
                before(plain)
            with trust.wrap_socket(plain, server_hostname=name) as one:
                cipher = one.cipher()
                return ANSWERED, f"{one.version()} {cipher[0] if cipher else ''}, verified as {name}"
    except ssl.SSLCertVerificationError as error:
        return REFUSED, f"certificate verify failed: {error.verify_message}"
    except ssl.SSLError as error:
        return (REFUSED if error.reason in _ALERTS else UNTRIED), f"the server's alert: {error.reason}"
    except OSError as error:
        return UNTRIED, str(error)
