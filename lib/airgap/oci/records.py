"""What registries were asked and told, for the journal: no token, no signed address, no content."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from airgap.model import observation as obs
from airgap.model.canonical import canonical_bytes, utc
from airgap.model.observation import Observation


def now() -> str:
    """Return the time, in UTC."""
    return utc(datetime.now(UTC))


def nowhere(_: str, __: Mapping[str, Any]) -> str:
    """Record nothing."""
    return ""


def unkept(page: bytes) -> str:
    """Keep no page."""
    return ""


def whole(page: Mapping[str, Any]) -> Mapping[str, Any]:
    """Hide nothing of a page."""
    return page


_STATUS = {401: obs.DENIED, 403: obs.DENIED, 404: obs.ABSENT}


@dataclass(frozen=True)
class Records:
    """Where calls are recorded: ``append`` is a journal's, ``keep`` a page store's, ``place`` the world.

    ``hide`` takes secrets out of a page: a manifest's annotations are anybody's text.
    """

    append: Callable[[str, Mapping[str, Any]], str] = nowhere
    keep: Callable[[bytes], str] = unkept
    place: str = ""
    account: str = ""
    region: str = ""
    time: Callable[[], str] = now
    hide: Callable[[Mapping[str, Any]], Mapping[str, Any]] = whole

    def read(self, call: str, params: Mapping[str, str], status: int, headers: Mapping[str, str],
             page: Mapping[str, Any] | None) -> None:  # fmt: skip
        """Record a request that changes nothing, with the page that it gave where it gave one; status 0: no answer."""
        body = canonical_bytes(self.hide(page)) if page is not None else b""
        told = _told(status)
        observation = Observation(
            call=f"oci:{call}", params=dict(params), account=self.account, region=self.region, place=self.place,
            status=told, time=self.time(), vantage="registry", system="oci",
            code="" if told == obs.OK else str(status or "unreached"), request_id=headers.get("x-amzn-requestid", ""),
            http_date=headers.get("Date", ""), page=self.keep(body) if body else "", size=len(body),
        )  # fmt: skip
        self.append("read", observation.as_data())

    def writing(self, call: str, params: Mapping[str, str]) -> str:
        """Record a request that changes something before it is made; return what its answer refers to."""
        resource = f"{params['registry']}/{params['repository']}"
        return self.append("write", {"call": f"oci:{call}", "params": dict(params), "resource": resource})

    def written(self, write: str, status: int, headers: Mapping[str, str]) -> None:
        """Record what became of a request that changes something."""
        told = _told(status)
        code = "" if told == obs.OK else str(status or "unreached")
        request_id = headers.get("x-amzn-requestid", "")
        self.append("answer", {"write": write, "status": told, "code": code, "request_id": request_id})


def _told(status: int) -> str:
    return obs.OK if 200 <= status < 400 else _STATUS.get(status, obs.FAILED)
