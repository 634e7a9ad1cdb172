"""What charts bring: custom resources, webhooks, and controllers that the rehearsal acts out."""

from __future__ import annotations

import base64
import time
from typing import Any

from emulated import until
from rehearsed import DIGEST, Rehearsed, deployment, image, role

CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
APPS = "/apis/apps/v1/namespaces/default"
ARN = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/web/0123456789abcdef"


def definition(kind: str, plural: str, group: str, spec: dict[str, Any], scope: str = "Namespaced") -> dict[str, Any]:
    schema = {"type": "object", "properties": {"spec": spec, "status": {"type": "object"}}}
    schema["properties"]["status"]["x-kubernetes-preserve-unknown-fields"] = True
    version = {"name": "v1", "served": True, "storage": True, "subresources": {"status": {}}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "scope": scope,
            "names": {"plural": plural, "kind": kind},
            "versions": [{**version, "schema": {"openAPIV3Schema": schema}}],
        },
    }


OPEN = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
WIDGET = definition(
    "Widget",
    "widgets",
    "example.com",
    {
        "type": "object",
        "required": ["size"],
        "properties": {
            "size": {"type": "integer", "minimum": 1},
            "color": {"type": "string", "default": "red", "enum": ["red", "blue"]},
            "port": {"x-kubernetes-int-or-string": True},
        },
    },
)
WIDGETS = "/apis/example.com/v1/namespaces/default/widgets"


def widget(**spec: Any) -> dict[str, Any]:
    return {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "one"}, "spec": spec}


def test_a_definition_is_served_once_it_is_established(cluster: Rehearsed) -> None:
    cluster.refused(404, "GET", WIDGETS)
    cluster.do("POST", CRDS, WIDGET)
    assert cluster.do("GET", WIDGETS)["kind"] == "WidgetList"
    status = cluster.do("GET", f"{CRDS}/widgets.example.com")["status"]
    assert {one["type"] for one in status["conditions"] if one["status"] == "True"} == {"NamesAccepted", "Established"}
    names = {one["name"] for one in cluster.do("GET", "/apis/example.com/v1")["resources"]}
    assert names == {"widgets", "widgets/status"}


def test_custom_objects_are_held_against_their_schema(cluster: Rehearsed) -> None:
    cluster.do("POST", CRDS, WIDGET)
    made = cluster.do("GET", WIDGETS) and cluster.do("POST", WIDGETS, widget(size=3, port="http"))
    assert made["spec"] == {"size": 3, "color": "red", "port": "http"}
    cluster.do("DELETE", f"{WIDGETS}/one")
    strict = f"{WIDGETS}?fieldValidation=Strict"
    assert cluster.refused(422, "POST", strict, widget()).endswith("spec.size: Required value")
    assert "spec.size: Invalid value" in cluster.refused(422, "POST", strict, widget(size="big"))
    assert "spec.size: Invalid value" in cluster.refused(422, "POST", strict, widget(size=0))
    assert 'spec.color: Unsupported value: "green"' in cluster.refused(
        422, "POST", strict, widget(size=1, color="green")
    )
    message = cluster.refused(400, "POST", strict, widget(size=1, sise=2))
    assert message == 'strict decoding error: unknown field "spec.sise"'


def test_custom_objects_go_with_their_definition(cluster: Rehearsed) -> None:
    cluster.do("POST", CRDS, WIDGET)
    cluster.do("GET", "/version")
    cluster.do("POST", WIDGETS, widget(size=1))
    cluster.do("DELETE", f"{CRDS}/widgets.example.com")
    cluster.refused(404, "GET", WIDGETS)
    cluster.do("POST", CRDS, WIDGET)
    cluster.do("GET", "/version")
    assert cluster.do("GET", WIDGETS)["items"] == []


def test_status_of_custom_objects_is_written_apart_and_merged_only(cluster: Rehearsed) -> None:
    cluster.do("POST", CRDS, WIDGET)
    cluster.do("GET", "/version")
    made = cluster.do("POST", WIDGETS, {**widget(size=1), "status": {"seen": 1}})
    assert "status" not in made
    merge = "application/merge-patch+json"
    found = cluster.do("PATCH", f"{WIDGETS}/one/status", {"status": {"seen": 2}}, content=merge)
    assert (found["status"], found["metadata"]["generation"]) == ({"seen": 2}, 1)
    strategic = "application/strategic-merge-patch+json"
    cluster.refused(415, "PATCH", f"{WIDGETS}/one", {"spec": {"size": 2}}, content=strategic)


def test_a_definition_is_held_against_the_rules(cluster: Rehearsed) -> None:
    wrong = definition("Widget", "widgets", "example.com", OPEN)
    wrong["metadata"]["name"] = "gadgets.example.com"
    del wrong["spec"]["versions"][0]["schema"]
    message = cluster.refused(422, "POST", CRDS, wrong)
    assert 'metadata.name: Invalid value: "gadgets.example.com"' in message
    assert "schemas are required" in message


def run(cluster: Rehearsed, name: str, namespace: str = "default") -> None:
    """Run the controller that a chart labels so."""
    cluster.images.held[image(name)] = DIGEST
    labels = {"app.kubernetes.io/name": name}
    account = {"metadata": {"name": name, "namespace": namespace}}
    cluster.do("POST", f"/api/v1/namespaces/{namespace}/serviceaccounts", account)
    spec = {"serviceAccountName": name, "containers": [{"name": name, "image": image(name)}]}
    pod = {"metadata": {"name": name, "labels": labels}, "spec": spec}
    cluster.do("POST", f"/api/v1/namespaces/{namespace}/pods", pod)


def external(cluster: Rehearsed) -> None:
    for kind, plural, scope in (
        ("ExternalSecret", "externalsecrets", "Namespaced"),
        ("ClusterSecretStore", "clustersecretstores", "Cluster"),
    ):
        cluster.do("POST", CRDS, definition(kind, plural, "external-secrets.io", OPEN, scope))
    cluster.do("POST", "/api/v1/namespaces", {"metadata": {"name": "external-secrets"}})
    group = "/apis/external-secrets.io/v1"
    provider = {"aws": {"service": "SecretsManager", "region": "us-east-1"}}
    store = {"metadata": {"name": "aws"}, "spec": {"provider": provider}}
    cluster.do("POST", f"{group}/clustersecretstores", store)
    data = [{"secretKey": "word", "remoteRef": {"key": "app/db", "property": "password"}}]
    spec = {"secretStoreRef": {"name": "aws", "kind": "ClusterSecretStore"}, "target": {"name": "db"}, "data": data}
    cluster.do("POST", f"{group}/namespaces/default/externalsecrets", {"metadata": {"name": "db"}, "spec": spec})


def state(cluster: Rehearsed) -> tuple[str, str] | None:
    found = cluster.do("GET", "/apis/external-secrets.io/v1/namespaces/default/externalsecrets/db")
    one = found.get("status", {}).get("conditions", [None])[0]
    return one and (one["status"], one["reason"])


def test_an_external_secret_is_ready_only_if_the_secret_is_there_and_may_be_read(cluster: Rehearsed) -> None:
    external(cluster)
    assert state(cluster) is None
    run(cluster, "external-secrets", "external-secrets")
    assert state(cluster) == ("False", "SecretSyncedError")
    cluster.refused(404, "GET", "/api/v1/namespaces/default/secrets/db")
    cluster.secrets["app/db", role("another")] = {"password": "w"}
    time.sleep(0.06)
    assert state(cluster) == ("False", "SecretSyncedError")
    cluster.secrets["app/db", role("reads-secrets")] = {"password": "w"}
    until(lambda: state(cluster), ("True", "SecretSynced"))
    secret = cluster.do("GET", "/api/v1/namespaces/default/secrets/db")
    assert base64.b64decode(secret["data"]["word"]) == b"w"
    cluster.do("DELETE", "/apis/external-secrets.io/v1/namespaces/default/externalsecrets/db")
    cluster.refused(404, "GET", "/api/v1/namespaces/default/secrets/db")


def test_no_pod_identity_no_secret(cluster: Rehearsed) -> None:
    cluster.change(pod_identity=())
    cluster.secrets["app/db", role("reads-secrets")] = {"password": "w"}
    external(cluster)
    run(cluster, "external-secrets", "external-secrets")
    assert state(cluster) == ("False", "SecretSyncedError")
    events = cluster.do("GET", "/api/v1/namespaces/default/events")["items"]
    assert any("has no Pod Identity association" in event["message"] for event in events)


def binding(cluster: Rehearsed) -> None:
    cluster.do("POST", CRDS, definition("TargetGroupBinding", "targetgroupbindings", "elbv2.k8s.aws", OPEN))
    cluster.images.held[image("web")] = DIGEST
    cluster.do("POST", f"{APPS}/deployments", deployment())
    ports = [{"port": 80, "targetPort": 8080}]
    service = {"metadata": {"name": "web"}, "spec": {"selector": {"app": "web"}, "ports": ports}}
    cluster.do("POST", "/api/v1/namespaces/default/services", service)
    spec = {"targetGroupARN": ARN, "targetType": "ip", "serviceRef": {"name": "web", "port": 80}}
    place = "/apis/elbv2.k8s.aws/v1/namespaces/default/targetgroupbindings"
    cluster.do("POST", place, {"metadata": {"name": "web"}, "spec": spec})


def test_a_binding_registers_the_ready_pods_while_its_controller_runs(cluster: Rehearsed) -> None:
    binding(cluster)
    cluster.pods()
    assert cluster.targets == {}
    run(cluster, "aws-load-balancer-controller", "kube-system")
    addresses = {pod["status"]["podIP"] for pod in cluster.pods()}
    assert cluster.targets == {ARN: tuple(sorted((address, 8080) for address in addresses))}
    cluster.do("PATCH", f"{APPS}/deployments/web", {"spec": {"replicas": 0}}, content="application/merge-patch+json")
    cluster.pods()
    assert cluster.targets == {ARN: ()}


def test_a_target_group_that_is_late_gets_its_targets(cluster: Rehearsed) -> None:
    cluster.refusal = "TargetGroupNotFound"
    binding(cluster)
    run(cluster, "aws-load-balancer-controller", "kube-system")
    cluster.pods()
    events = cluster.do("GET", "/api/v1/namespaces/default/events")["items"]
    assert "TargetGroupNotFound" in {event["message"] for event in events}
    cluster.refusal = ""
    until(lambda: cluster.pods() and len(cluster.targets.get(ARN, ())), 2)


def test_a_binding_whose_controller_has_gone_cannot_be_deleted(cluster: Rehearsed) -> None:
    binding(cluster)
    run(cluster, "aws-load-balancer-controller", "kube-system")
    cluster.pods()
    cluster.do("DELETE", "/api/v1/namespaces/kube-system/pods/aws-load-balancer-controller")
    place = "/apis/elbv2.k8s.aws/v1/namespaces/default/targetgroupbindings/web"
    cluster.pods()
    cluster.do("DELETE", place)
    assert cluster.do("GET", place)["metadata"]["deletionTimestamp"]
    pod = {"metadata": {"name": "again", "labels": {"app.kubernetes.io/name": "aws-load-balancer-controller"}}}
    pod["spec"] = {"containers": [{"name": "c", "image": image("aws-load-balancer-controller")}]}
    cluster.do("POST", "/api/v1/namespaces/kube-system/pods", pod)
    cluster.refused(404, "GET", place)
    assert cluster.targets == {ARN: ()}


def hook(**more: Any) -> dict[str, Any]:
    service = {"name": "hook", "namespace": "default", "path": "/mutate"}
    one = {
        "name": "services.example.com",
        "clientConfig": {"service": service, "caBundle": "YQ=="},
        "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "resources": ["services"], "operations": ["CREATE"]}],
        "admissionReviewVersions": ["v1"],
        "sideEffects": "None",
    }
    return {"metadata": {"name": "hooks"}, "webhooks": [{**one, **more}]}


def service(name: str, **labels: str) -> dict[str, Any]:
    return {
        "metadata": {"name": name},
        "spec": {"selector": {"app": name}, "ports": [{"port": 443, "targetPort": 8080}]},
    }


HOOKS = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"
SERVICES = "/api/v1/namespaces/default/services"


def test_a_webhook_that_nobody_answers_for_stops_what_it_must_see(cluster: Rehearsed) -> None:
    cluster.do("POST", HOOKS, hook())
    message = cluster.refused(500, "POST", SERVICES, service("other"))
    assert message == (
        'Internal error occurred: failed calling webhook "services.example.com": failed to call webhook:'
        ' Post "https://hook.default.svc:443/mutate?timeout=10s": service "hook" not found'
    )
    cluster.do("DELETE", f"{HOOKS}/hooks")
    cluster.do("POST", SERVICES, service("hook"))
    cluster.do("POST", HOOKS, hook())
    message = cluster.refused(500, "POST", SERVICES, service("other"))
    assert message.endswith('no endpoints available for service "hook"')
    cluster.images.held[image("hook")] = DIGEST
    cluster.do("POST", f"{APPS}/deployments", deployment("hook"))
    cluster.pods()
    cluster.do("POST", SERVICES, service("other"))
    about = cluster.do("GET", "/api/v1/namespaces/kube-public/configmaps/airgap-rehearsal")
    assert about["data"]["webhooks-not-called"] == "services.example.com"


def test_a_webhook_that_may_fail_or_is_not_concerned_stops_nothing(cluster: Rehearsed) -> None:
    cluster.do("POST", HOOKS, hook(failurePolicy="Ignore"))
    cluster.do("POST", SERVICES, service("one"))
    cluster.do("DELETE", f"{HOOKS}/hooks")
    cluster.do("POST", HOOKS, hook(objectSelector={"matchLabels": {"seen": "yes"}}))
    cluster.do("POST", SERVICES, service("two"))
    cluster.do("DELETE", f"{SERVICES}/two")


def test_a_webhook_without_a_certificate_is_not_trusted(cluster: Rehearsed) -> None:
    cluster.images.held[image("hook")] = DIGEST
    cluster.do("POST", f"{APPS}/deployments", deployment("hook"))
    cluster.do("POST", SERVICES, service("hook"))
    cluster.do("POST", HOOKS, hook(clientConfig={"service": {"name": "hook", "namespace": "default"}}))
    message = cluster.refused(500, "POST", SERVICES, service("other"))
    assert message.endswith("x509: certificate signed by unknown authority")


def test_a_webhook_waits_for_the_controller_of_its_certificates(cluster: Rehearsed) -> None:
    cluster.images.held[image("hook")] = DIGEST
    cluster.do("POST", f"{APPS}/deployments", deployment("hook"))
    cluster.do("POST", SERVICES, service("hook"))
    item = hook(clientConfig={"service": {"name": "hook", "namespace": "default"}})
    item["metadata"]["labels"] = {"external-secrets.io/component": "webhook"}
    cluster.do("POST", HOOKS, item)
    assert "unknown authority" in cluster.refused(500, "POST", SERVICES, service("other"))
    run(cluster, "external-secrets-cert-controller")
    cluster.pods()
    cluster.do("POST", SERVICES, service("other"))


def test_pod_identity_gives_containers_their_credentials(cluster: Rehearsed) -> None:
    cluster.do("POST", "/api/v1/namespaces", {"metadata": {"name": "external-secrets"}})
    run(cluster, "external-secrets", "external-secrets")
    (pod,) = cluster.pods("external-secrets")
    (container,) = pod["spec"]["containers"]
    assert "AWS_CONTAINER_CREDENTIALS_FULL_URI" in {one["name"] for one in container["env"]}
    assert "eks-pod-identity-token" in {one["name"] for one in pod["spec"]["volumes"]}


def test_custom_objects_without_what_their_controller_needs_stop_nothing(cluster: Rehearsed) -> None:
    binding(cluster)
    external(cluster)
    for group, plural in (("elbv2.k8s.aws", "targetgroupbindings"), ("external-secrets.io", "externalsecrets")):
        place = f"/apis/{group}/v1/namespaces/default/{plural}"
        cluster.do("POST", place, {"metadata": {"name": "bare"}, "spec": {"data": [{}]}})
    run(cluster, "external-secrets", "external-secrets")
    run(cluster, "aws-load-balancer-controller", "kube-system")
    cluster.pods()
    events = cluster.do("GET", "/api/v1/namespaces/default/events")["items"]
    assert "'serviceRef' is missing" in {event["message"] for event in events}
    assert len(cluster.targets[ARN]) == 2
