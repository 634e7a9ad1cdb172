"""OSCAL's common terms: ids, texts of its data types, metadata, resources of the back matter, the components.

OSCAL reference, "Metadata" and "Data types": a token has letters, digits, dot, dash and underscore; a string has no
white space at its ends and no line break; arrays are never empty.
"""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from airgap.controls import Mapped
from airgap.controls.properties import PROPERTIES, Property
from airgap.evidence.bundle.assessed import Assessed

Json = dict[str, Any]
Mappings = Mapping[str, tuple[Mapped, ...]]
VERSION = "1.2.3"
NS = "urn:airgap:oscal:1"
"""The name space of properties that are the runbook's own words."""
CATALOG = "sp800-53"
DIGEST = "SHA-256"
_ROOT = uuid.uuid5(uuid.NAMESPACE_URL, NS)
_CONTROL = re.compile(r"([A-Z]{2}-\d+)(?:\((\d+)\))?")


class Ids:
    """The ids of one run's documents."""

    def __init__(self, run: Mapping[str, Any]) -> None:
        self._lasting = uuid.uuid5(_ROOT, f"{run['account']} {run['region']} {run['env']}")
        self._passing = uuid.uuid5(_ROOT, f"{run['run_id']} {run['head']}")

    def lasting(self, kind: str, *names: str) -> str:
        """Return the id of what is the same in every run: the environment, a resource, a risk, a check."""
        return str(uuid.uuid5(self._lasting, "\n".join((kind, *names))))

    def passing(self, kind: str, *names: str) -> str:
        """Return the id of what is of this run alone: a document, an observation, a finding."""
        return str(uuid.uuid5(self._passing, "\n".join((kind, *names))))


def text(value: object) -> str:
    """Return a string of OSCAL: one line, no white space at its ends; a dash where there is none."""
    return " ".join("".join(one if one.isprintable() else " " for one in str(value)).split()) or "-"


def token(value: str) -> str:
    """Return a name as a token of OSCAL."""
    held = re.sub(r"[^A-Za-z0-9._-]", "-", value.lower())
    return held if held[:1].isalpha() else f"_{held}"


def prop(name: str, value: object, **more: str) -> Json:
    """Return a property in the runbook's own words."""
    return {"name": name, "ns": NS, "value": text(value), **more}


def without_empty(data: Mapping[str, Any]) -> Json:
    """Return an object without its empty lists and texts, which OSCAL does not know."""
    return {name: value for name, value in data.items() if value not in ([], "", {}, None)}


def metadata(one: Assessed, title: str, **more: Any) -> Json:
    """Return a document's metadata: it was last modified when the run ended, and its version is the run."""
    run = one.run
    props = [
        prop(name, run[name]) for name in ("run_id", "env", "world", "account", "region", "mode", "commit", "head")
    ]
    return without_empty({
        "title": f"{title}: environment {text(run['env'])}, account {run['account']}",
        "last-modified": run["ended"],
        "version": text(run["run_id"]),
        "oscal-version": VERSION,
        "props": props,
        "remarks": "Evidence supports a requirement; it never says that an institution complies."
        + ("" if run["world"] == "aws" else f" This is a {run['world']}: it is no evidence of production."),
        **more,
    })  # fmt: skip


def control_id(named: str) -> str:
    """Return a control of SP 800-53 as NIST's own catalog names it: SC-7(5) is sc-7.5."""
    found = _CONTROL.fullmatch(named)
    if found is None:
        return token(named)
    return found[1].lower() + (f".{found[2]}" if found[2] else "")


def controls_of(properties: Iterable[str], mappings: Mappings) -> list[str]:
    """Return the controls of SP 800-53 that the evidence on these properties supports, sorted, each once; a mapping
    that was rejected supports none.
    """
    found = [each for name in properties for each in mappings[name] if each.framework == CATALOG and each.stands()]
    return sorted({control_id(each.requirement) for each in found}, key=_natural)


def _natural(named: str) -> tuple[str, list[int]]:
    return named.partition("-")[0], [int(one) for one in re.findall(r"\d+", named)]


def selected(properties: Iterable[str], mappings: Mappings, objectives: Iterable[str] = ()) -> Json:
    """Return the reviewed controls of these properties."""
    found = [{"control-id": one} for one in controls_of(properties, mappings)]
    aims = [{"objective-id": one} for one in objectives]
    return without_empty({
        "description": "Controls of NIST SP 800-53 Rev. 5 that evidence on the properties below supports, no more.",
        "control-selections": [{"include-controls": found} if found else {"description": "No control was reviewed."}],
        "control-objective-selections": [{"include-objectives": aims}] if aims else [],
    })  # fmt: skip


def supports(mappings: Iterable[Mapped]) -> Iterator[Json]:
    """Yield, for each mapping of a property to a requirement, one property of OSCAL with its version and review; one
    that was rejected has another name.
    """
    for one in mappings:
        about = f"mapping {one.mapping}: {one.told()}; id of the requirement: {one.ids}"
        name = "supports" if one.stands() else "mapping-rejected"
        yield prop(name, one.requirement, **{"class": token(one.framework), "remarks": text(about)})


def in_scope(names: Iterable[str]) -> list[Property]:
    """Return these properties, in the order of all."""
    wanted = set(names)
    return [one for one in PROPERTIES if one.id in wanted]


def environment(one: Assessed, ids: Ids) -> Json:
    """Return the component that is assessed: the environment."""
    run = one.run
    return {
        "uuid": ids.lasting("environment"),
        "type": "system",
        "title": f"Environment {text(run['env'])}",
        "description": f"EKS environment in account {run['account']}, {run['region']}, world {run['world']}; "
        "as declared in intent.json.",
        "status": {"state": {"plan": "under-development", "destroy": "disposition"}.get(run["mode"], "operational")},
    }


def assets(one: Assessed, ids: Ids) -> Json:
    """Return what assessed it: the runbook, of this version."""
    tool = {
        "uuid": ids.lasting("tool"),
        "type": "software",
        "title": "airgap",
        "description": "The runbook: it recorded every answer and judged it; verify.pyz derives each judgement again.",
        "props": [{"name": "version", "value": text(one.run["versions"].get("airgap", "unknown"))}],
        "status": {"state": "operational"},
    }
    platform = {
        "uuid": ids.lasting("platform"),
        "title": "Where the runbook ran",
        "props": [prop("principal", one.run.get("caller", {}).get("arn", "unknown"))],
        "uses-components": [{"component-uuid": tool["uuid"]}],
    }
    return {"components": [tool], "assessment-platforms": [platform]}


def origins(ids: Ids) -> list[Json]:
    """Return who says so: the tool."""
    return [{"actors": [{"type": "tool", "actor-uuid": ids.lasting("tool")}]}]


def resource(ids: Ids, href: str, title: str, digest: str, props: Iterable[Json] = ()) -> Json:
    """Return a resource of the back matter: a member of the bundle, with its digest."""
    return without_empty({
        "uuid": ids.passing("resource", href),
        "title": text(title),
        "props": list(props),
        "rlinks": [{
            "href": f"../{href}",
            "media-type": "application/json",
            "hashes": [{"algorithm": DIGEST, "value": digest}],
        }],
    })  # fmt: skip


def sha256(raw: bytes) -> str:
    """Return the SHA-256 of a member, in hex."""
    return hashlib.sha256(raw).hexdigest()
