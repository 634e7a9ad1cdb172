"""The runbook's own client and a cluster of the embedded AWS: who it is, what it records, what is in its way."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import boto3
import pytest
from clusters import NAME, Site
from emulated import Account

from airgap.cloud.cluster_token import ClusterToken
from airgap.errors import AccessDenied, CallFailed, Unreachable
from airgap.kube.cluster import Cluster, Endpoint
from airgap.kube.reach import Embedded, Inside, embedded_listener
from airgap.model.kubernetes import APIS, comparable, differences
from airgap.rehearsal import reset, serving
from airgap.rehearsal.identity import access_key

ADMIN = "arn:aws:iam::123456789012:role/platform-engineer"
POLICY = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"
CONFIG = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": "default"}}


class Recorded:
    """Keeps what a recorder would write."""

    def __init__(self) -> None:
        self.bodies: list[Mapping[str, Any]] = []
        self.failures: list[Any] = []
        self.writes: list[Mapping[str, Any]] = []
        self.refusals: list[Any] = []

    def answered(self, asked: Mapping[str, Any], body: Mapping[str, Any], *rest: Any) -> Mapping[str, Any]:
        self.bodies.append(body)
        return body

    def failure(self, asked: Mapping[str, Any], failure: Any, number: int) -> Any:
        self.failures.append(failure)
        return failure

    def writing(self, call: str, params: Mapping[str, Any], *rest: Any) -> str:
        self.writes.append(params)
        return call

    def written(self, write: str, answer: Mapping[str, Any]) -> None:
        pass

    def refused(self, write: str, failure: Any) -> None:
        self.refusals.append(failure)


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with serving() as url:
        reset(url)
        found = Site(Account(url))
        found.cluster()
        eks = found.client("eks")
        eks.create_access_entry(clusterName=NAME, principalArn=ADMIN)
        scope = {"type": "cluster"}
        eks.associate_access_policy(clusterName=NAME, principalArn=ADMIN, policyArn=POLICY, accessScope=scope)
        yield found


def signer(person: str, now: Callable[[], float] = time.time) -> ClusterToken:
    keys = {"aws_access_key_id": access_key(person), "aws_secret_access_key": "rehearsal-checks-no-signature"}
    return ClusterToken(boto3.session.Session(region_name="us-east-1", **keys), "us-east-1", NAME, now)


def connected(site: Site, token: Callable[[], str], **more: Any) -> tuple[Cluster, Recorded]:
    described, recorded = site.described(), Recorded()
    authority = base64.b64decode(described["certificateAuthority"]["data"]).decode()
    endpoint = Endpoint(described["endpoint"].removeprefix("https://"), more.pop("authority", authority))
    way = more.pop("way", None) or Embedded(embedded_listener(site.account.url))
    place = ("123456789012", "us-east-1", "rehearsal")
    return Cluster(NAME, *place, endpoint, way, token, recorded, sleep=lambda _: None, **more), recorded


def test_it_lists_and_applies_and_deletes(site: Site) -> None:
    cluster, recorded = connected(site, signer("alice"))
    cluster.write("kubernetes:Apply", {"manifest": {**CONFIG, "data": {"a": "1"}}}, resource="c")
    asked = {"cluster": NAME, "namespace": "default", "name": "c"}
    cluster.read("kubernetes:ListConfigMaps", asked)
    (live,) = recorded.bodies[-1]["items"]
    declared = {"metadata": CONFIG["metadata"], "data": {"a": "1"}}
    assert list(differences(comparable(live, declared), declared)) == []
    cluster.write("kubernetes:Delete", {"kind": "ConfigMap", "namespace": "default", "name": "c"}, resource="c")
    cluster.read("kubernetes:ListConfigMaps", asked)
    assert recorded.bodies[-1]["items"] == []


@pytest.mark.parametrize("kind", ["Service", "Deployment", "DaemonSet", "Job", "ConfigMap"])
def test_what_is_deleted_with_its_parts_goes(site: Site, kind: str) -> None:
    pod = {"metadata": {"labels": {"app": "x"}}, "spec": {"containers": [{"name": "a", "image": "r.example/a:1"}]}}
    spec: dict[str, Any] = {"selector": {"matchLabels": {"app": "x"}}, "template": pod}
    if kind == "Service":
        spec = {"selector": {"app": "x"}, "ports": [{"port": 443}]}
    if kind == "Job":
        spec = {"template": {**pod, "spec": {**pod["spec"], "restartPolicy": "Never"}}}
    api = APIS[kind]
    manifest = {"apiVersion": api.version, "kind": kind, "metadata": {"name": "x", "namespace": "default"}}
    cluster, recorded = connected(site, signer("alice"))
    cluster.write(
        "kubernetes:Apply", {"manifest": manifest | ({"spec": spec} if kind != "ConfigMap" else {})}, resource="x"
    )
    asked = {"cluster": NAME, "namespace": "default", "name": "x"}
    cluster.read(f"kubernetes:{api.operation}", asked)
    cluster.write("kubernetes:Delete", {"kind": kind, "namespace": "default", "name": "x"}, resource="x")
    for _ in range(50):
        cluster.read(f"kubernetes:{api.operation}", asked)
        if not recorded.bodies[-1]["items"]:
            break
        time.sleep(0.1)
    assert recorded.bodies[-1]["items"] == []
    assert recorded.failures == []


def test_deleting_what_is_gone_is_done(site: Site) -> None:
    cluster, _ = connected(site, signer("alice"))
    gone = {"kind": "ConfigMap", "namespace": "default", "name": "never"}
    assert cluster.write("kubernetes:Delete", gone, resource="never") == {}


def test_a_kind_that_is_not_served_is_absent(site: Site) -> None:
    cluster, recorded = connected(site, signer("alice"))
    cluster.read("kubernetes:ListExternalSecrets", {"cluster": NAME})
    assert [(one.status, one.code) for one in recorded.failures] == [("absent", "NotFound")]


def test_somebody_without_an_access_entry_is_refused_and_told_why(site: Site) -> None:
    cluster, recorded = connected(site, signer("dave"))
    cluster.read("kubernetes:ListPods", {"cluster": NAME})
    (failure,) = recorded.failures
    assert (failure.status, failure.code) == ("denied", "Unauthorized")
    assert "no access entry" in failure.message


def test_nobody_calls_anonymously(site: Site) -> None:
    tokens = [signer("alice")(), "", ""]
    cluster, recorded = connected(site, lambda: tokens.pop(0))
    with pytest.raises(AccessDenied, match="no token for cluster"):  # of the hook, after the first request's own key
        cluster.read("kubernetes:ListPods", {"cluster": NAME})
    with pytest.raises(AccessDenied, match="no token for cluster"):
        connected(site, lambda: "")[0].read("kubernetes:ListPods", {"cluster": NAME})
    assert (recorded.bodies, recorded.failures) == ([], []), "nothing was sent"


def test_every_request_bears_the_token_of_its_time(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    from kubernetes.client import ApiClient

    sent: list[str] = []
    call = ApiClient.call_api

    def seen(self: Any, method: str, url: str, headers: dict[str, str], *rest: Any, **more: Any) -> Any:
        sent.append({name.lower(): value for name, value in headers.items()}.get("authorization", ""))
        return call(self, method, url, headers, *rest, **more)

    monkeypatch.setattr(ApiClient, "call_api", seen)
    start = time.time() - 2000
    clock = [start]
    cluster, recorded = connected(site, signer("alice", lambda: clock[0]))
    for age in (0, 500, 700, 1400):  # EKS takes a token for 900 seconds; one is renewed after 600
        clock[0] = start + age
        time.sleep(1.0 if age in (700, 1400) else 0)  # a signature's time is in seconds
        cluster.read("kubernetes:ListPods", {"cluster": NAME})
    first, same, second, third = sent
    assert first == same
    assert len({first, second, third}) == 3
    assert all(one.startswith("Bearer k8s-aws-v1.") for one in sent)
    assert recorded.failures == []


def test_an_old_token_is_renewed_before_it_is_used(site: Site) -> None:
    clock = [time.time() - 5000]
    token = signer("alice", lambda: clock[0])
    made = token()
    assert token() == made
    clock[0] += 1000
    assert token() != made or token._made == clock[0]
    calls: list[int] = []

    def counted() -> str:
        calls.append(1)
        return token()

    cluster, recorded = connected(site, counted)
    for _ in range(3):
        cluster.read("kubernetes:ListPods", {"cluster": NAME})
    assert len(calls) >= 4
    assert recorded.failures == []


def test_rbac_says_no_by_name(site: Site) -> None:
    eks = site.client("eks")
    arn = "arn:aws:iam::123456789012:role/platform-auditor"
    eks.create_access_entry(clusterName=NAME, principalArn=arn, kubernetesGroups=["airgap:verifier"])
    try:
        cluster, recorded = connected(site, signer("dave"))
        cluster.read("kubernetes:ListPods", {"cluster": NAME})
        assert [(one.status, one.code) for one in recorded.failures] == [("denied", "Forbidden")]
        with pytest.raises(AccessDenied, match="Forbidden") as caught:
            cluster.write("kubernetes:Apply", {"manifest": CONFIG}, resource="c")
        assert "that right in the cluster" in caught.value.action
    finally:
        eks.delete_access_entry(clusterName=NAME, principalArn=arn)


def test_another_authority_is_not_believed(site: Site) -> None:
    import datetime as dt

    from airgap.kube.certificates import issue

    other = issue(["x"], dt.datetime.now(dt.UTC)).authority.decode()
    cluster, recorded = connected(site, signer("alice"), authority=other)
    cluster.read("kubernetes:ListPods", {"cluster": NAME})
    assert [one.code for one in recorded.failures] == ["Certificate"]


def test_a_secret_s_values_reach_no_journal(site: Site) -> None:
    cluster, recorded = connected(site, signer("alice"))
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "default"}}
    cluster.write("kubernetes:Apply", {"manifest": {**secret, "data": {"k": "aGlkZGVu"}}}, resource="s")
    assert "aGlkZGVu" not in str(recorded.writes)
    assert recorded.writes[0]["manifest"]["data"] == ["k"]


def test_a_field_of_another_manager_is_a_conflict_that_names_it(site: Site) -> None:
    cluster, _ = connected(site, signer("alice"))
    mine = {"manifest": {**CONFIG, "data": {"a": "1"}}}
    cluster.write("kubernetes:Apply", {**mine, "manager": "somebody"}, resource="c")
    with pytest.raises(CallFailed, match="somebody") as caught:
        cluster.write("kubernetes:Apply", {"manifest": {**CONFIG, "data": {"a": "2"}}}, resource="c")
    assert "another manager" in caught.value.action
    cluster.write("kubernetes:Apply", {"manifest": {**CONFIG, "data": {"a": "2"}}, "force": True}, resource="c")


def test_a_strict_server_refuses_a_typo(site: Site) -> None:
    cluster, recorded = connected(site, signer("alice"))
    with pytest.raises(CallFailed, match="dota"):
        cluster.write("kubernetes:Apply", {"manifest": {**CONFIG, "dota": {}}}, resource="c")
    assert len(recorded.refusals) == 1


def test_a_certificate_is_made_and_its_key_is_nowhere(site: Site) -> None:
    cluster, recorded = connected(site, signer("alice"))
    hook = {"name": "v.example.org", "clientConfig": {"service": {"name": "s", "namespace": "default"}}}
    hook |= {"admissionReviewVersions": ["v1"], "sideEffects": "None", "rules": []}
    webhook = {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration"}
    webhook |= {"metadata": {"name": "hook"}, "webhooks": [hook]}
    cluster.write("kubernetes:Apply", {"manifest": webhook}, resource="hook")
    asked = {"secret": "tls", "namespace": "default", "names": ["s.default.svc"]}
    asked |= {"configurations": [["ValidatingWebhookConfiguration", "hook", ["v.example.org"]]]}
    cluster.write("kubernetes:IssueCertificate", asked, resource="tls")
    cluster.read("kubernetes:ListValidatingWebhookConfigurations", {"cluster": NAME, "name": "hook"})
    (live,) = recorded.bodies[-1]["items"]
    bundle = base64.b64decode(live["webhooks"][0]["clientConfig"]["caBundle"])
    assert b"BEGIN CERTIFICATE" in bundle
    assert "PRIVATE KEY" not in str(recorded.writes)
    declared = {"metadata": webhook["metadata"], "webhooks": webhook["webhooks"]}
    assert list(differences(comparable(live, declared), declared)) == []


def test_a_name_that_does_not_resolve_and_a_port_that_is_closed_are_told_apart() -> None:
    with pytest.raises(Unreachable, match="does not resolve"):
        Inside().open("nowhere.invalid", 443)
    with pytest.raises(Unreachable, match="port 9 does not answer"):
        Inside().open("127.0.0.1", 9)
