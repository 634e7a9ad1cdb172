"""One cluster's API through the official client: every read is an observation, every write two journal lines.

Reads are named ``kubernetes:ListDeployments``; writes are ``kubernetes:Apply`` (server-side apply under one field
manager), ``kubernetes:Delete`` and ``kubernetes:IssueCertificate``, which applies a webhook's certificate as a Secret
and its authority's as the ``caBundle`` of the webhook's configurations. Permissions are Kubernetes RBAC's, not IAM's.
"""

from __future__ import annotations

import datetime as dt
import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from airgap.errors import AccessDenied, AirgapError, CallFailed, Interrupted
from airgap.kube import failures
from airgap.kube.absent import absent
from airgap.kube.certificates import issue
from airgap.kube.reach import Way
from airgap.model import observation as obs
from airgap.model.kubernetes import APIS, CERTIFICATES, MANAGER, OPERATIONS, Api, api_of, key_of
from airgap.model.observation import Observation
from airgap.model.recording import Recording

ATTEMPTS = 5
PAGE = 250
"""Objects in one page of a list."""
_HEADERS = {"Accept": "application/json"}
_APPLY = {**_HEADERS, "Content-Type": "application/apply-patch+yaml"}
_JSON = {**_HEADERS, "Content-Type": "application/json"}


@dataclass(frozen=True)
class Endpoint:
    """Where a cluster's API is and who signs for it: EKS's ``endpoint`` and ``certificateAuthority.data``, decoded."""

    host: str
    authority: str


@dataclass
class Cluster:
    """One cluster as one caller; safe to use from several threads.

    ``token`` gives a bearer token that is valid now; it is asked before every call, so that it is renewed in time.
    """

    name: str
    account: str
    region: str
    world: str
    endpoint: Endpoint
    way: Way
    token: Callable[[], str]
    recorder: Recording
    principal: str = ""
    stop: threading.Event = field(default_factory=threading.Event)
    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], float] = time.time
    may_write: Callable[[], None] = lambda: None
    _api: Any = None
    _at: tuple[str, int] = ("", 0)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def read(self, call: str, params: Mapping[str, Any], *, absent: tuple[str, ...] = ()) -> list[Observation]:
        """List the objects of one kind, all pages: everywhere, in a ``namespace``, or the one of a ``name``."""
        api = OPERATIONS[call.split(":")[1]]
        asked = self._asked(call, params)
        seen: list[Observation] = []
        more = ""
        while True:
            query = [("limit", str(PAGE)), *([("continue", more)] if more else [])]
            if params.get("name"):
                query.append(("fieldSelector", f"metadata.name={params['name']}"))
            body, headers, failure = self._again("GET", api.path(str(params.get("namespace", ""))), query, _HEADERS)
            if failure is not None:
                return [*seen, self.recorder.failure(asked, failure, len(seen) + 1)]
            more = str((body.get("metadata") or {}).get("continue") or "")
            number, audit = len(seen) + 1, headers.get("audit-id", "")
            seen.append(self.recorder.answered(asked, body, secret_paths(api, body), headers, audit, number, not more))
            if not more:
                return seen

    def write(
        self, call: str, params: Mapping[str, Any], *, resource: str, retry: tuple[str, ...] = ()
    ) -> dict[str, Any]:
        """Apply or delete one object; raises a typed error with what the API server said."""
        if call == "kubernetes:IssueCertificate":
            return self._issue(params, resource)
        method, path, query, headers, body = _request(call, params)
        for attempt in range(1, ATTEMPTS + 1):
            if self.stop.is_set():
                raise Interrupted("The run was interrupted", "nothing further", "run again")
            self.may_write()
            written = self.recorder.writing(call, _without_values(params), resource, self.principal, attempt)
            answer, seen, failure = self._call(method, path, query, headers, body)
            if failure is None:
                self.recorder.written(written, {"ResponseMetadata": {"RequestId": seen.get("audit-id", "")}})
                return answer
            self.recorder.refused(written, failure)
            if failure.status == obs.ABSENT and method == "DELETE":
                return {}
            known = any(text in f"{failure.code}: {failure.message}" for text in retry)
            if attempt == ATTEMPTS or not (failure.retryable or known):
                raise _raised(call, failure, resource, self.principal)
            self.sleep(min(0.2 * 2**attempt, 5.0))
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _issue(self, params: Mapping[str, Any], resource: str) -> dict[str, Any]:
        """Apply a new certificate; the journal learns of both writes, and of the key nothing but that it is hidden."""
        issued = issue(params["names"], dt.datetime.fromtimestamp(self.now(), dt.UTC))
        secret = {
            "apiVersion": "v1",
            "kind": "Secret",
            "type": "kubernetes.io/tls",
            "metadata": {"name": params["secret"], "namespace": params["namespace"]},
            "data": issued.secret_data(),
        }
        self.write("kubernetes:Apply", {"manifest": secret, "force": True}, resource=resource)
        for kind, name, webhooks in params["configurations"]:
            with_bundle = [{"name": one, "clientConfig": {"caBundle": issued.bundle}} for one in webhooks]
            bundle = {
                "apiVersion": "admissionregistration.k8s.io/v1",
                "kind": kind,
                "metadata": {"name": name},
                "webhooks": with_bundle,
            }
            asked = {"manifest": bundle, "force": True, "manager": CERTIFICATES}
            self.write("kubernetes:Apply", asked, resource=resource)
        return {}

    def close(self) -> None:
        """End the way to the cluster."""
        self.way.close()

    def _asked(self, call: str, params: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "call": call,
            "params": dict(params),
            "account": self.account,
            "region": self.region,
            "place": self.world,
            "vantage": "vpc",
            "system": "k8s",
            "principal": self.principal,
        }

    def _again(
        self, method: str, path: str, query: list[tuple[str, str]], headers: Mapping[str, str]
    ) -> tuple[dict[str, Any], dict[str, str], failures.Failure | None]:
        """Make a call that changes nothing, and again where the failure may pass by itself."""
        for attempt in range(1, ATTEMPTS):
            told = self._call(method, path, query, headers)
            if told[2] is None or not told[2].retryable:
                return told
            self.sleep(min(0.2 * 2**attempt, 5.0))
        return self._call(method, path, query, headers)

    def _call(self, method: str, path: str, query: list[tuple[str, str]], headers: Mapping[str, str],
              body: Any = None) -> tuple[dict[str, Any], dict[str, str], failures.Failure | None]:  # fmt: skip
        api = self._client()

        from kubernetes.client.exceptions import ApiException
        from urllib3.exceptions import HTTPError

        asked = api.param_serialize(
            method, path, query_params=query, header_params=dict(headers), body=body, auth_settings=["BearerToken"]
        )
        try:
            response = api.call_api(*asked, _request_timeout=(5, 60))
            data = response.read()
        except ApiException as error:
            if not error.status:
                return {}, {}, failures.unanswered(error)
            return {}, {}, failures.answered(int(error.status), (error.body or "").encode(), "")
        except (HTTPError, OSError) as error:
            return {}, {}, failures.unanswered(error)
        seen = {name.lower(): value for name, value in (response.getheaders() or {}).items()}
        if response.status >= 400:
            return {}, seen, failures.answered(response.status, data, seen.get("audit-id", ""))
        return dict(json.loads(data)), seen, None

    def _client(self) -> Any:
        """Return the client; another one where the way leads elsewhere by now, as a tunnel that was opened anew."""
        with self._lock:
            at = self.way.open(self.endpoint.host, 443)
            if self._api is None or at != self._at:
                self._api, self._at = self._connected(*at), at
            return self._api

    def _connected(self, address: str, port: int) -> Any:
        with absent("kubernetes_validate"):  # it costs four times what the client does; nothing asks it
            from kubernetes.client import ApiClient, Configuration

        config: Any = Configuration()
        config.host = f"https://{address}:{port}"
        config.tls_server_name = self.endpoint.host
        config.ca_cert_data = self.endpoint.authority
        config.proxy = None
        config.retries = False
        # The hook runs only where a key is there already: without one the client would call as nobody.
        config.api_key["BearerToken"] = self._bearer()
        config.refresh_api_key_hook = self._renew
        api = ApiClient(config)
        api.default_headers["Host"] = self.endpoint.host
        return api

    def _renew(self, config: Any) -> None:
        config.api_key["BearerToken"] = self._bearer()

    def _bearer(self) -> str:
        """Return what every request bears; without a token none is made: it would be taken for anybody's."""
        token = self.token()
        if not token:
            what = f"There is no token for cluster {self.name}, so nothing is asked of it"
            raise AccessDenied(what, f"anything in {self.name}", "sign in to AWS again, then run again")
        return f"Bearer {token}"


def _request(
    call: str, params: Mapping[str, Any]
) -> tuple[str, str, list[tuple[str, str]], Mapping[str, str], Mapping[str, Any] | None]:
    """Return method, path, query, headers and body of a write."""
    if call == "kubernetes:Apply":
        manifest = params["manifest"]
        api = api_of(manifest)
        if api is None:
            what = f"{manifest.get('apiVersion')} {manifest.get('kind')} is not a kind that the runbook applies"
            raise AirgapError(what, key_of(manifest), "add it to the API table in model/kubernetes.py")
        meta = manifest["metadata"]
        query = [("fieldManager", params.get("manager", MANAGER)), ("fieldValidation", "Strict")]
        if params.get("force"):
            query.append(("force", "true"))
        return "PATCH", api.path(meta.get("namespace", ""), meta["name"]), query, _APPLY, manifest
    if call == "kubernetes:Delete":
        path = APIS[params["kind"]].path(params.get("namespace", ""), params["name"])
        return "DELETE", path, [("propagationPolicy", "Foreground")], _JSON, None
    raise LookupError(f"no such write: {call}")


def _without_values(params: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the parameters of a write without the values of a Secret, which no journal learns of."""
    manifest = params.get("manifest") or {}
    if manifest.get("kind") != "Secret":
        return params
    hidden = {member: sorted(manifest[member]) for member in ("data", "stringData") if member in manifest}
    return {**params, "manifest": {**manifest, **hidden}}


def secret_paths(api: Api, body: Mapping[str, Any]) -> list[str]:
    """Return the paths of secret values in an answer: the data of Secrets, wherever one stands."""
    if api.kind != "Secret":
        return []
    listed = [("", body)] if "items" not in body else [(f"items[{n}].", one) for n, one in enumerate(body["items"])]
    return [
        f"{place}{member}.{key}"
        for place, one in listed
        for member in ("data", "stringData")
        for key in one.get(member) or {}
    ]


def _raised(call: str, failure: failures.Failure, resource: str, principal: str) -> AirgapError:
    what = f"{call} of {resource} was answered {failure.code}: {failure.message}"
    if failure.status == obs.DENIED:
        return AccessDenied(
            what, resource, f"give {principal or 'the caller'} that right in the cluster, then run again"
        )
    if failure.code == "Conflict":
        return CallFailed(what, resource, "another manager owns these fields: take its change back, or declare it")
    if failure.code == "Invalid":
        return CallFailed(
            what, resource, "the manifest is wrong for this version of the cluster; correct its chart values"
        )
    return CallFailed(what, resource, "run again; if it stays, read the events of the object")
