"""The cloud: one account and Region through botocore; every call is recorded before anything rests on it."""

from __future__ import annotations

import base64
import random
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from airgap.cloud import failures, liveness, models, tokens
from airgap.cloud.cluster_token import ClusterToken
from airgap.cloud.failures import Failure
from airgap.cloud.paging import PACED, again, pages
from airgap.cloud.recorder import Recorder
from airgap.errors import Interrupted
from airgap.model import observation as obs
from airgap.model.canonical import utc
from airgap.model.observation import Observation
from airgap.model.permissions import iam_action

READ_ATTEMPTS = 5
WRITE_ATTEMPTS = 8


@dataclass
class Clock:
    """Time as the product sees it; tests inject their own."""

    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep


@dataclass
class Cloud:
    """One account in one Region, as one caller; safe to use from several threads."""

    account: str
    region: str
    world: str
    recorder: Recorder
    clock: Clock = field(default_factory=Clock)
    principal: str = ""
    stop: threading.Event = field(default_factory=threading.Event)
    salt: str = field(default_factory=lambda: uuid.uuid4().hex)
    _clients: dict[tuple[str, str], Any] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _session: Any = None

    def client(self, service: str, region: str = "") -> Any:
        """Return the botocore client of a service; made once, as late as possible."""
        where = region or self.region
        with self._lock:
            if (service, where) not in self._clients:
                self._clients[service, where] = self._make(service, where)
            return self._clients[service, where]

    def new_client(self, service: str) -> Any:
        """Return a botocore client of a service that nobody else uses."""
        with self._lock:
            return self._make(service, self.region)

    def session_end(self) -> str:
        """Return when the caller's credentials end (RFC 3339): ``renewed`` where they renew themselves, empty where
        nothing says.
        """
        from botocore.credentials import RefreshableCredentials

        held = self._session.get_credentials() if self._session else None
        # A variable tells when exported credentials end; nobody renews them.
        if isinstance(held, RefreshableCredentials) and held.method != "env":
            return "renewed"
        expiry = getattr(held, "_expiry_time", None)
        return utc(expiry) if expiry else ""

    def _make(self, service: str, region: str) -> Any:
        if self._session is None:
            self._session = models.session(self.region)
            self._keep_secret(self._session.get_credentials())
        from botocore.config import Config

        config = Config(
            retries={"mode": "standard", "total_max_attempts": 1},
            connect_timeout=5,
            read_timeout=60,
            max_pool_connections=32,
            s3={"addressing_style": "path"} if self.world != "aws" else None,
            account_id_endpoint_mode="disabled",
        )
        client = self._session.client(service, region_name=region, config=config)
        client.meta.events.register("before-parse", self.recorder.body_received)
        for operation in (call.split(":")[1] for call in PACED if call.startswith(f"{service}:")):
            client.meta.events.register(f"needs-retry.{service}.{operation}", again)
        if self.world != "aws":
            client.meta.events.register("before-sign.s3-control", _without_account_in_host)
        return client

    def _keep_secret(self, credentials: Any) -> None:
        """Hide the caller's own secret and token wherever they turn up, from a profile as from the environment."""
        frozen = credentials.get_frozen_credentials() if credentials else None
        for value in (frozen.secret_key, frozen.token) if frozen else ():
            self.recorder.redactor.learn(value or "")

    def shown(self, failure: Failure) -> Failure:
        """Return a failure without secrets in its message, as services repeat what they were asked."""
        return replace(failure, message=self.recorder.redactor.text(failure.message))

    def read(self, call: str, params: Mapping[str, Any], *, scope: str = "regional", absent: tuple[str, ...] = (),
             vantage: str = "aws-api", home: str = "") -> list[Observation]:  # fmt: skip
        """Make one read call, all its pages, and return their observations; a failure is an observation too."""
        from botocore.exceptions import BotoCoreError, ClientError

        service, operation = call.split(":")
        asked = self.asked(call, params, scope, vantage)
        for attempt in range(1, READ_ATTEMPTS + 1):
            seen: list[Observation] = []
            try:
                client = self.client(service, home)
                for answer, last in pages(client, operation, params):
                    seen.append(self.recorder.page(client, operation, asked, answer, len(seen) + 1, last))
                return seen
            except (BotoCoreError, ClientError) as error:
                failure = self.shown(failures.read(error, absent))
                if failure.code in failures.EXPIRED:
                    raise failures.raised(failure, call, iam_action(call), self.principal, "") from error
                if failure.code == failures.UNREACHED and not self.offers(service, home or self.region):
                    failure = failures.not_offered(service, home or self.region, failure)
                if not failure.retryable or attempt == READ_ATTEMPTS:
                    return [*seen, self.recorder.failure(asked, failure, len(seen) + 1)]
                self._pause(0.1 * 2**attempt)
        raise AssertionError("unreachable: the last attempt returns")

    def unanswered(
        self, call: str, params: Mapping[str, Any], why: str, *, vantage: str, status: str = obs.FAILED
    ) -> Observation:
        """Record a read call that could not be made from here, or that has nothing to read, and why."""
        failure = Failure(status, failures.UNREACHED if status == obs.FAILED else "NotFound", why)
        return self.recorder.failure(self.asked(call, params, "regional", vantage), failure, 1)

    def cluster_token(self, cluster: str) -> ClusterToken:
        """Return what gives bearer tokens of this caller for one EKS cluster."""
        self.client("sts")
        return ClusterToken(self._session, self.region, cluster, self.clock.now)

    def registry_token(self) -> str:
        """Return a token for the account's registries, good for twelve hours; it is hidden wherever it turns up."""
        from botocore.exceptions import BotoCoreError, ClientError

        call, client = "ecr:GetAuthorizationToken", self.client("ecr")
        asked = self.asked(call, {}, "regional", "aws-api")
        try:
            answer = client.get_authorization_token()
        except (BotoCoreError, ClientError) as error:
            failure = self.shown(failures.read(error, ()))
            self.recorder.failure(asked, failure, 1)
            raise failures.raised(failure, call, iam_action(call), self.principal, "the registry") from error
        token = str(answer["authorizationData"][0]["authorizationToken"])
        for secret in (token, base64.b64decode(token).decode().partition(":")[2]):
            self.recorder.redactor.learn(secret)
        self.recorder.page(client, "GetAuthorizationToken", asked, answer, 1, True)
        return token

    def start_session(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        """Start a Session Manager session; it is a write, and its token stays out of the journal."""
        return self.write("ssm:StartSession", asked, resource="the operations host")

    def offers(self, service: str, region: str) -> bool:
        """Tell whether botocore's data know a service in a Region; of some services it has no list, then it may be."""
        if self._session is None:
            return True
        partition = self._session.get_partition_for_region(region)
        known = self._session.get_available_regions(service, partition_name=partition)
        return not known or region in known

    def nothing_to_read(self, call: str, listed: str, *, scope: str = "regional",
                        vantage: str = "aws-api") -> list[Observation]:  # fmt: skip
        """Record that a follow-up was not asked because what it follows was answered and lists nothing to ask for."""
        why = failures.Failure(obs.ABSENT, "NothingListed", f"{listed} was answered and lists nothing to ask for")
        return [self.recorder.failure(self.asked(call, {}, scope, vantage), why, 1)]

    def asked(self, call: str, params: Mapping[str, Any], scope: str, vantage: str) -> dict[str, Any]:
        """Return what an observation says of a read call before it is made."""
        return {
            "call": call,
            "params": dict(params),
            "account": self.account,
            "region": obs.GLOBAL if scope == "global" else self.region,
            "place": self.world,
            "vantage": vantage,
            "principal": self.principal,
        }

    def write(self, call: str, params: Mapping[str, Any], *, resource: str = "", retry: tuple[str, ...] = (),
              ignore: tuple[str, ...] = ()) -> dict[str, Any]:  # fmt: skip
        """Make one write call and return its answer; ``{}`` when AWS answers one of the codes in ``ignore``.

        A refusal that stands inside an answer of status 200 is one like any other.

        Retries throttling, server errors and the exact error texts in ``retry`` (propagation); a lost answer only where
        asking again cannot make a second thing. All attempts carry one client token where the API takes one.
        """
        from botocore import xform_name
        from botocore.exceptions import BotoCoreError, ClientError

        service, operation = call.split(":")
        client = self.client(service)
        asked, repeatable = tokens.with_token(client, operation, params, f"{self.salt}:{resource}:{call}")
        for attempt in range(1, WRITE_ATTEMPTS + 1):
            self.may_write()
            written = self.recorder.writing(call, asked, resource, self.principal, attempt)
            cause: Exception | None = None
            try:
                answer = getattr(client, xform_name(operation))(**asked)
                failure = failures.inside(answer, ignore)
            except (BotoCoreError, ClientError) as error:
                answer, failure, cause = {}, failures.read(error, ignore), error
            if failure is None:
                self.recorder.written(written, answer)
                return dict(answer)
            failure = self.shown(failure)
            self.recorder.refused(written, failure)
            if failure.status == obs.ABSENT:
                return {}
            known = any(text in f"{failure.code}: {failure.message}" for text in retry)
            again = known or (failure.retryable and (repeatable or not failure.lost))
            if not again or attempt == WRITE_ATTEMPTS:
                raise failures.raised(failure, call, iam_action(call), self.principal, resource) from cause
            self._pause(min(0.2 * 2**attempt, 10.0))
        raise AssertionError("unreachable: the last attempt returns or raises")

    def may_write(self) -> None:
        """Raise ``Interrupted`` where nothing more may be written."""
        if self.stop.is_set():
            raise Interrupted(
                "The run was interrupted", "nothing further; the call in flight was finished", "run again"
            )
        if liveness.runner_is_gone():
            raise Interrupted("The runner of this kernel is gone", "nothing further", "run the command again")

    def _pause(self, seconds: float) -> None:
        self.clock.sleep(seconds * (0.5 + random.random() / 2))


def _without_account_in_host(request: Any, **_: Any) -> None:
    """S3's control plane is asked at ``ACCOUNT.host``, which loopback does not have; a header names the account too."""
    request.url = request.url.replace(f"//{request.headers['x-amz-account-id']}.", "//")
