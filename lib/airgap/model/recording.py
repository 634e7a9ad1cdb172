"""What records calls of any system: the cloud's recorder does, and the cluster and the registries use it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from airgap.model.observation import Observation


class FailedCall(Protocol):
    """A call that gave no answer: the status of its observation, the code and message, the request's id."""

    @property
    def status(self) -> str:
        """One of the statuses of an observation."""

    @property
    def code(self) -> str:
        """The error code that the system gave."""

    @property
    def message(self) -> str:
        """The text that the system gave."""

    @property
    def request_id(self) -> str:
        """The request's id, '' where the system gives none."""


class Recording(Protocol):
    """Keeps pages and journals every call."""

    def answered(
        self, asked: Mapping[str, Any], body: Mapping[str, Any], sensitive: Sequence[str], headers: Mapping[str, str],
        request_id: str, number: int = 1, last: bool = True,
    ) -> Observation:  # fmt: skip
        """Keep one page of an answer, redacted, and journal the observation of it."""

    def failure(self, asked: Mapping[str, Any], failure: FailedCall, number: int) -> Observation:
        """Journal the observation of a call that gave no answer."""

    def writing(self, call: str, params: Mapping[str, Any], resource: str, principal: str, attempt: int) -> str:
        """Journal a write before it is made; return its line's digest."""

    def written(self, write: str, answer: Mapping[str, Any]) -> None:
        """Journal the answer of a write."""

    def refused(self, write: str, failure: FailedCall) -> None:
        """Journal the refusal of a write."""
