"""Pod Security admission: the standards ``baseline`` and ``restricted``, enforced where a namespace's label says so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from airgap.rehearsal.kubernetes.defaults import containers

Object = dict[str, Any]
LABEL = "pod-security.kubernetes.io/"
_ADDED = {
    *("AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP"),
    *("SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"),
}
_VOLUMES = {
    *(
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "persistentVolumeClaim",
        "projected",
        "secret",
        "image",
    ),
}


def _security(container: Object) -> Object:
    return container.get("securityContext") or {}


def _named(names: list[str]) -> str:
    quoted = ", ".join(f'"{name}"' for name in names)
    return f"container {quoted}" if len(names) == 1 else f"containers {quoted}"


def _where(spec: Object, test: Callable[[Object], bool]) -> list[str]:
    return [container["name"] for _, container in containers(spec) if test(container)]


def _host_namespaces(spec: Object) -> Iterator[str]:
    used = [f"{name}=true" for name in ("hostNetwork", "hostPID", "hostIPC") if spec.get(name)]
    if used:
        yield f"host namespaces ({', '.join(used)})"


def _privileged(spec: Object) -> Iterator[str]:
    names = _where(spec, lambda one: bool(_security(one).get("privileged")))
    if names:
        yield f"privileged ({_named(names)} must not set securityContext.privileged=true)"


def _capabilities(spec: Object) -> Iterator[str]:
    def extra(container: Object) -> set[str]:
        return set((_security(container).get("capabilities") or {}).get("add") or ()) - _ADDED

    names = _where(spec, lambda one: bool(extra(one)))
    if names:
        added = ", ".join(f'"{name}"' for name in sorted({cap for _, one in containers(spec) for cap in extra(one)}))
        yield f"non-default capabilities ({_named(names)} must not include {added} in securityContext.capabilities.add)"


def _host_paths(spec: Object) -> Iterator[str]:
    names = [volume["name"] for volume in spec.get("volumes") or () if "hostPath" in volume]
    if names:
        yield (
            "hostPath volumes (volume"
            + ("s " if len(names) > 1 else " ")
            + ", ".join(f'"{name}"' for name in names)
            + ")"
        )


def _host_ports(spec: Object) -> Iterator[str]:
    def ports(container: Object) -> list[int]:
        return [port["hostPort"] for port in container.get("ports") or () if port.get("hostPort")]

    names = _where(spec, lambda one: bool(ports(one)))
    if names:
        used = ", ".join(str(port) for _, one in containers(spec) for port in ports(one))
        verb, noun = "uses" if len(names) == 1 else "use", "hostPorts" if "," in used else "hostPort"
        yield f"hostPort ({_named(names)} {verb} {noun} {used})"


def _volume_types(spec: Object) -> Iterator[str]:
    bad = {
        volume["name"]: sort
        for volume in spec.get("volumes") or ()
        for sort in volume
        if sort not in ("name", *_VOLUMES)
    }
    if bad:
        names, sorts = (
            ", ".join(f'"{name}"' for name in bad),
            ", ".join(f'"{sort}"' for sort in sorted(set(bad.values()))),
        )
        words = ("volumes", "use") if len(bad) > 1 else ("volume", "uses")
        yield f"restricted volume types ({words[0]} {names} {words[1]} restricted volume type {sorts})"


def _escalation(spec: Object) -> Iterator[str]:
    names = _where(spec, lambda one: _security(one).get("allowPrivilegeEscalation") is not False)
    if names:
        must = f"{_named(names)} must set securityContext.allowPrivilegeEscalation=false"
        yield f"allowPrivilegeEscalation != false ({must})"


def _drops(spec: Object) -> Iterator[str]:
    def listed(container: Object, sort: str) -> set[str]:
        return set((_security(container).get("capabilities") or {}).get(sort) or ())

    kept = _where(spec, lambda one: "ALL" not in listed(one, "drop"))
    added = _where(spec, lambda one: bool(listed(one, "add") - {"NET_BIND_SERVICE"}))
    musts = [f'{_named(kept)} must set securityContext.capabilities.drop=["ALL"]'] if kept else []
    if added:
        names = sorted({name for _, one in containers(spec) for name in listed(one, "add")} - {"NET_BIND_SERVICE"})
        quoted = ", ".join(f'"{name}"' for name in names)
        musts.append(f"{_named(added)} must not include {quoted} in securityContext.capabilities.add")
    if musts:
        yield f"unrestricted capabilities ({'; '.join(musts)})"


def _non_root(spec: Object) -> Iterator[str]:
    pod = (spec.get("securityContext") or {}).get("runAsNonRoot")
    names = _where(spec, lambda one: not _security(one).get("runAsNonRoot", pod))
    if names:
        yield f"runAsNonRoot != true (pod or {_named(names)} must set securityContext.runAsNonRoot=true)"
    users = _where(spec, lambda one: _security(one).get("runAsUser") == 0)
    if (spec.get("securityContext") or {}).get("runAsUser") == 0:
        yield "runAsUser=0 (pod must not set runAsUser=0)"
    elif users:
        yield f"runAsUser=0 ({_named(users)} must not set runAsUser=0)"


def _seccomp(spec: Object) -> Iterator[str]:
    pod = ((spec.get("securityContext") or {}).get("seccompProfile") or {}).get("type")
    allowed = ("RuntimeDefault", "Localhost")
    names = _where(spec, lambda one: (_security(one).get("seccompProfile") or {}).get("type", pod) not in allowed)
    if names:
        must = 'must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"'
        yield f"seccompProfile (pod or {_named(names)} {must})"


_BASELINE = (_host_namespaces, _privileged, _capabilities, _host_paths, _host_ports)
_LEVELS: dict[str, tuple[Callable[[Object], Iterator[str]], ...]] = {
    "privileged": (),
    "baseline": _BASELINE,
    "restricted": (*_BASELINE, _volume_types, _escalation, _drops, _non_root, _seccomp),
}


def violations(namespace: Object, mode: str, spec: Object) -> str:
    """Return how a pod violates the level of a namespace's label for a mode (enforce, warn), empty if it does not."""
    labels = namespace["metadata"].get("labels") or {}
    level = labels.get(LABEL + mode, "privileged")
    found = [text for rule in _LEVELS.get(level, _LEVELS["restricted"]) for text in rule(spec)]
    version = labels.get(f"{LABEL}{mode}-version", "latest")
    return f'violate PodSecurity "{level}:{version}": {", ".join(found)}' if found else ""
