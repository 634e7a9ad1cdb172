"""Passwords as PostgreSQL keeps them, so that none is ever part of a statement (RFC 5803; PostgreSQL, "Password auth").

A server logs statements that fail, whatever it was told about logging; of a verifier nobody makes the password.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets

ROUNDS = 4096
"""Iterations of PBKDF2, the server's own number; a password of 40 random characters needs no more."""


def verifier(password: str, salt: bytes = b"") -> str:
    """Return the SCRAM-SHA-256 verifier of an ASCII password, as ``ALTER ROLE ... PASSWORD`` takes it.

    >>> verifier("pencil", b"0123456789abcdef")[:41]
    'SCRAM-SHA-256$4096:MDEyMzQ1Njc4OWFiY2RlZg'
    """
    salt = salt or secrets.token_bytes(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode("ascii"), salt, ROUNDS)
    client, server = (hmac.digest(salted, name, "sha256") for name in (b"Client Key", b"Server Key"))
    stored = hashlib.sha256(client).digest()
    kept, checked, proof = (base64.b64encode(one).decode() for one in (salt, stored, server))
    return f"SCRAM-SHA-256${ROUNDS}:{kept}${checked}:{proof}"
