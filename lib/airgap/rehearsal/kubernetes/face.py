"""The face of every rehearsed cluster: one API for each host name, made when it is first asked, on the rehearsal's AWS.

A cluster's name is new each time, so what was deleted or reset never answers again.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from moto.core.exceptions import ServiceException

from airgap.rehearsal.eks import facts
from airgap.rehearsal.face_listener import Dropped
from airgap.rehearsal.faces import Answered, Asked
from airgap.rehearsal.faults import FAULTS, Fault
from airgap.rehearsal.identity import DEFAULT, REGION, Caller
from airgap.rehearsal.kubernetes import requests
from airgap.rehearsal.kubernetes.api import Gone, KubernetesApi, refused
from airgap.rehearsal.kubernetes.refusals import Refusal, unauthorized
from airgap.rehearsal.kubernetes.setting import ClusterFacts, Surroundings
from airgap.rehearsal.kubernetes.tokens import checked
from airgap.rehearsal.mends.secrets import refuses
from airgap.rehearsal.reach import Place, reaches
from airgap.rehearsal.registry import pulling, rights
from airgap.rehearsal.store import MOTO
from airgap.rehearsal.wire import Call, backend_of

PULLS = ("ecr.api", "ecr.dkr", "s3")
"""What a node asks for an image: a token, the manifest, and the layers."""
_apis: dict[str, KubernetesApi] = {}
_lock = threading.Lock()


def answer(asked: Asked) -> Answered:
    """Answer a request to a cluster's host name, unless a fault strikes it; 404 where no live cluster has the name."""
    fault = _struck(asked)
    if fault is not None and fault.error == "Timeout":
        time.sleep(fault.seconds)
        raise Dropped
    if fault is not None and fault.error != "DropResponse":
        return refused(_refusal(fault))
    try:
        answered = api_of(asked.host)(asked)
    except Gone as error:
        with _lock:
            _apis.pop(asked.host, None)
        return Answered(404, {"Content-Type": "text/plain"}, f"{error}\n".encode())
    if fault is not None:
        raise Dropped
    return answered


def _struck(asked: Asked) -> Fault | None:
    """Return the fault that strikes a request: ``kubernetes:list:pods``, of the object ``namespace/name``."""
    operation, item = requests.operation(asked.method, asked.path, asked.query)
    return FAULTS.strike(Call("kubernetes", operation, REGION, DEFAULT, {}, b""), item)


def _refusal(fault: Fault) -> Refusal:
    if fault.error == "Refused":
        return Refusal(400, fault.code, fault.message)
    return {
        "AccessDenied": Refusal(403, "Forbidden", "forbidden: a fault of the rehearsal"),
        "ExpiredToken": unauthorized(),
        "Throttling": Refusal(429, "TooManyRequests", "the server has received too many requests and has asked us to"),
    }.get(fault.error, Refusal(500, "InternalError", "Internal error occurred: a fault of the rehearsal"))


def api_of(host: str) -> KubernetesApi:
    """Return the API of a cluster, new with the add-ons that EKS has put into it; Gone where there is no cluster."""
    with _lock:
        found = _apis.get(host)
    if found is not None:
        return found
    cluster = facts.cluster_of(host)
    if cluster is None:
        raise Gone(f"no cluster answers at {host}")
    made = KubernetesApi(host, _surroundings(cluster))
    with _lock:
        for gone in [one for one in _apis if facts.cluster_of(one) is None]:
            del _apis[gone]
        if host not in _apis:
            _apis[host] = made
            for addon in facts.addons_of(host):
                made.install_addon(addon.name, addon.version, addon.images, addon.namespace)
        return _apis[host]


def live() -> list[KubernetesApi]:
    """Return the API of every cluster that has been asked and still is there; AWS's side may ask under its own lock."""
    return [api for host, api in list(_apis.items()) if facts.cluster_of(host) is not None]


def _changed(host: str, addon: facts.AddonFacts) -> None:
    """Pass on what EKS does with an add-on; a cluster that nobody has asked yet learns of it when it is asked."""
    api = _apis.get(host)
    if api is None:
        return
    if addon.version:
        api.install_addon(addon.name, addon.version, addon.images, addon.namespace)
    else:
        api.remove_addon(addon.name)


facts.INSTALLERS.append(_changed)


def _surroundings(cluster: ClusterFacts) -> Surroundings:
    return Surroundings(
        cluster_of=facts.cluster_of,
        principal_of=checked(facts.signer),
        registry=pulling,
        cut_off=_cut_off(cluster),
        secret_value=_secrets(cluster.region),
        register_targets=_register,
    )


def _cut_off(cluster: ClusterFacts) -> Callable[[str], str]:
    """Return what tells, by a node's address, which service a pull needs and its node does not reach; '' for none."""

    def told(address: str) -> str:
        with MOTO:
            backend = backend_of("ec2", cluster.account, cluster.region)
            found = next((one for one in backend.enis.values() if one.private_ip_address == address), None)
            if found is None:
                return ""
            return next((one for one in PULLS if not reaches(backend, Place.of(found), one)), "")

    return told


def _secrets(region: str) -> Callable[[str, str], dict[str, Any] | None]:
    """Return what reads a secret with a role's rights: a JSON object's members, else the text under an empty name."""

    def read(name: str, role_arn: str) -> dict[str, Any] | None:
        account, role = role_arn.split(":")[4], role_arn.rsplit("/", 1)[-1]
        with MOTO:
            backend = backend_of("secretsmanager", account, region)
            held = backend.secrets.get(name)
            if held is None or held.is_deleted() or refuses(held, role_arn):
                return None
            if not rights.by_role(
                Caller(account, role, "external-secrets"), "secretsmanager:GetSecretValue", held.arn, region
            ):
                return None
            text = str(backend.get_secret_value(name, None, None).get("SecretString") or "")
        try:
            value = json.loads(text)
        except ValueError:
            return {"": text}
        return value if isinstance(value, dict) else {"": text}

    return read


def _register(arn: str, targets: Sequence[tuple[str, int]]) -> str:
    """Make these addresses the targets of a target group; return the refusal, empty for none."""
    _, _, _, region, account, _ = arn.split(":", 5)
    wanted = [{"Id": address, "Port": port} for address, port in targets]
    with MOTO:
        backend = backend_of("elbv2", account, region)
        group = backend.target_groups.get(arn)
        if group is None:
            return f"TargetGroupNotFound: Target groups '{arn}' not found"
        held = list(group.targets.values())
        try:
            backend.deregister_targets(arn, [target for target in held if target not in wanted])
            backend.register_targets(arn, [target for target in wanted if target not in held])
        except ServiceException as error:
            return str(error)
    return ""
