"""What registries refuse, in the form and with the codes of the OCI distribution specification, version 1.1."""

from __future__ import annotations

import json

from airgap.rehearsal.faces import Answered


class RegistryError(Exception):
    """A refusal: HTTP status, code and message, and headers such as a challenge."""

    def __init__(self, status: int, code: str, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.headers = status, code, message, headers or {}

    def answered(self) -> Answered:
        """Return the refusal as an answer."""
        document = {"errors": [{"code": self.code, "message": self.message}]}
        return Answered(
            self.status, {"Content-Type": "application/json", **self.headers}, json.dumps(document).encode()
        )
