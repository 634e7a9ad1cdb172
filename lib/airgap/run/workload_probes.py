"""What is tried of a workload in the lab: pulls from the registry, what the kernel holds pods to, and the entrance.

The entrance is tried with the same probes as an environment's own (``model.probe_list``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from airgap.lab.attempts import Outcome, held, must_answer, must_refuse, turned_away
from airgap.lab.engine import enforced
from airgap.lab.kernel import inside
from airgap.lab.registries import Authority, ToolFailed, tool
from airgap.model.edge import HTTPS
from airgap.model.probe_list import Endpoint, Places, probes_of
from airgap.model.probes import ANSWERED, ENTRY, REFUSED, REGISTRY, SKIPPED
from airgap.probes import asker

if TYPE_CHECKING:
    from airgap.run.workload import Workload

WORKLOAD = "workload"
"""What records of the running pods are about."""
OWN, OTHERS = "lab", "others"
_NONE = f"sha256:{'0' * 64}"
_REFUSALS = {
    "registry-without-token": ("authentication required", "unauthorized"),
    "registry-other-digest": ("manifest unknown",),
}
"""Each pull that must fail, and the words by which it was refused and did not merely break."""


def registry(one: Workload) -> list[dict[str, Any]]:
    """Return pulls by digest from the private registry: with its password, without it, and of another digest."""
    name = one.reference.partition("@")[0]
    found = [
        must_answer("registry-pull", "pull", lambda: _pulled(one)),
        *(must_refuse(probe, "pull", "registry-pull", tried) for probe, tried in (
            ("registry-without-token", lambda: _refused(one, "registry-without-token", one.reference, False)),
            ("registry-other-digest", lambda: _refused(one, "registry-other-digest", f"{name}@{_NONE}")),
        )),
    ]  # fmt: skip
    return [{**each, "about": REGISTRY, "to": name.partition("/")[0], "port": HTTPS} for each in found]


def _pulled(one: Workload) -> Outcome:
    try:
        _copy(one, one.reference)
    except ToolFailed as error:
        return REFUSED, error.what
    return ANSWERED, f"skopeo copied every platform of {one.reference.rpartition('@')[2]} and kept its digest"


def _refused(one: Workload, name: str, reference: str, signed_in: bool = True) -> Outcome:
    try:
        _copy(one, reference, signed_in)
    except ToolFailed as error:
        words = _REFUSALS[name]
        return turned_away(next((one for one in words if one in error.what), error.what[-160:]), words)
    return ANSWERED, f"{reference} was given out"


def _copy(one: Workload, reference: str, signed_in: bool = True) -> None:
    env = one.supply.tools(one.supply.inside, signed_in=signed_in)
    words = ("copy", "--all", "--preserve-digests", f"docker://{reference}", f"dir:{env['HOME']}/pulled")
    tool(["skopeo", *words], env)


def running(one: Workload) -> list[dict[str, Any]]:
    """Return whom the engine asked, whether each container runs the pulled digest, and what the kernel holds it to."""
    if one.unusable:
        return [{**must_answer("workload-runs", "process", lambda: (SKIPPED, one.unusable)), "about": WORKLOAD}]
    own = one.reference.partition("/")[0]
    asked = must_answer(
        "engine-asks-the-registry-alone", "pull", lambda: held(one.asked == [own], ", ".join(one.asked))
    )
    wanted = {f"{pod['metadata']['name']}-{each['name']}": each
              for pod in one.given.pods for each in pod["spec"]["containers"]}  # fmt: skip
    found = [each for container in one.containers for each in _held(one, container, wanted[container["Name"]])]
    return [{**each, "about": WORKLOAD} for each in (asked, *found)]


def _held(one: Workload, container: Mapping[str, Any], wanted: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    name, digest = container["Name"], one.reference.rpartition("@")[2]
    told = container.get("ImageDigest") or container["ImageName"].rpartition("@")[2]
    yield must_answer(f"{name}-image", "process", lambda: held(told == digest, f"it runs {told}"))
    found = enforced(container)
    for what, value in declared(wanted).items():
        yield must_answer(f"{name}-{what}", "process", _same(what, found[what], value))


def _same(what: str, found: str, wanted: str) -> Callable[[], Outcome]:
    return lambda: held(found == wanted, f"{what} of the process: {found}; declared: {wanted}")


def declared(container: Mapping[str, Any]) -> dict[str, str]:
    """Return what a container's manifest declares, as the kernel says it (proc(5)), without what it leaves open."""
    context = container.get("securityContext") or {}
    found = {"user": str(context["runAsUser"])} if "runAsUser" in context else {}
    if (context.get("capabilities") or {}).get("drop") == ["ALL"]:
        found["capabilities"] = "0" * 16
    if context.get("allowPrivilegeEscalation") is False:
        found["no_new_privileges"] = "1"
    if context.get("readOnlyRootFilesystem"):
        found["root"] = "ro"
    memory = str(((container.get("resources") or {}).get("limits") or {}).get("memory", ""))
    if memory.endswith("Mi"):
        found["memory"] = str(int(memory[:-2]) << 20)
    # Unless a profile is taken off, the engine's own is in force, and 2 is the kernel's word for it.
    return {**found, "seccomp": "2"}


def entry(one: Workload) -> list[dict[str, Any]]:
    """Return what a client meets at the entrance: what an environment's own is tried with, and what the lab adds."""
    authorities = {OWN: one.supply.authority.pem, OTHERS: Authority(one.supply.folder / "others").pem}
    with inside(one.place.client):
        return [_fitting(asker.attempt(each, None, authorities)) for each in probes(one)]


def probes(one: Workload) -> list[dict[str, Any]]:
    """Return the probes of the entrance; the certificate must be of the lab's authority."""
    there = Endpoint(one.place.address, HTTPS)
    common: dict[str, Any] = {"about": ENTRY, "to": there.name, "port": HTTPS, "server": one.supply.intent.edge.domain}
    refused = {**common, "wants": REFUSED}
    found = [
        *probes_of(one.supply.intent, "client", Places(entry=there)),
        {**common, "name": "entry-tls-1.3", "kind": "tls", "wants": ANSWERED, "control": ""},
        {**refused, "name": "entry-wrong-authority", "kind": "tls", "control": "entry-tls-1.3", "authority": OTHERS},
        {**refused, "name": "entry-wrong-host", "kind": "tls", "control": "entry-tls-1.3", "server": "other.example"},
        {**refused, "name": _PATH, "kind": "http", "control": "entry-https", "path": "/%2e%2e/%2e%2e/etc/passwd"},
        {**refused, "name": "pods-from-outside", "kind": "tcp", "control": "entry-https", "to": one.place.targets[0],
         "port": one.supply.intent.edge.target_port},
    ]  # fmt: skip
    return [{"authority": OWN, **each} for each in found]


_PATH = "entry-traversal-in-path"


def _fitting(answer: dict[str, Any]) -> dict[str, Any]:
    """Return an answer as it counts here: TLS 1.3 must be spoken, and a path that leaves the root is no request.

    nginx answers such a path with 400 itself, before any rule is asked.
    """
    if answer["name"] == "entry-tls-1.3" and not answer["detail"].startswith("TLSv1.3"):
        return {**answer, "outcome": REFUSED}
    if answer["name"] == _PATH and answer["detail"].startswith("400"):
        return {**answer, "outcome": REFUSED, "detail": f"{answer['detail']}: no request, to the proxy itself"}
    return answer


def skipped(one: Workload) -> list[dict[str, Any]]:
    """Return the probes of the entrance as skipped, where no pod runs behind it."""
    return [{**each, "outcome": SKIPPED, "detail": one.unusable} for each in probes(one)]
