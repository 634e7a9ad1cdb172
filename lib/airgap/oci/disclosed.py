"""Secrets in an image's configuration: variables, labels, commands and history, which whoever may pull it may read.

An image is judged before anything of it is copied, by the forms of ``model.secret_forms``. What its layers hold is for
the scan where it is built. OCI Image Format Specification, "OCI Image Configuration".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from airgap.errors import SecretInImage
from airgap.model.mirror import Entry
from airgap.model.secret_forms import FORMS
from airgap.oci.content import Descriptor, Manifest
from airgap.oci.session import Session
from airgap.oci.transfer import Incoming, Source

CONFIGS = ("image.config.v1+json", "container.image.v1+json")
"""What the media type of an image's configuration ends in; those of charts and signatures are none."""


def refuse(entry: Entry, source: Source, manifests: Iterable[Manifest], session: Session) -> None:
    """Raise ``SecretInImage``, naming the places and never the values, where a configuration holds secrets."""
    named = [
        Descriptor.read(one.document["config"], one.digest)
        for one in manifests
        if not one.is_index and one.kind.endswith(CONFIGS)
    ]
    found = {place for config in named for place in disclosed(_document(source, config, session))}
    if found:
        raise SecretInImage(
            f"{entry.reference} holds what looks like secrets: {'; '.join(sorted(found))}",
            "nothing of it was copied",
            f"have it built without them, and change them; or register an exception of KEY-02 for {name(entry)}",
        )


def name(entry: Entry) -> str:
    """Return what an exception calls an image, as ``image:registry.k8s.io/pause``."""
    return f"image:{entry.source}"


def disclosed(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield each place of a configuration whose text has the form of a secret, and which form.

    >>> list(disclosed({"config": {"Env": ["PATH=/bin", "DB_PASSWORD=hunter2-hunter2"]}}))
    ['variable DB_PASSWORD: password']
    """
    for place, text in _texts(document):
        folded = text.lower()
        kinds = {form.kind for form in FORMS if form.occurs(folded) and form.pattern.search(text)}
        yield from (f"{place}: {kind}" for kind in sorted(kinds))


def _texts(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for part in (document.get("config") or {}, document.get("container_config") or {}):
        for text in part.get("Env") or []:
            yield f"variable {str(text).partition('=')[0]}", str(text)
        for key, value in (part.get("Labels") or {}).items():
            yield f"label {key}", f"{key}={value}"
        for key in ("Entrypoint", "Cmd"):
            yield key.lower(), " ".join(map(str, part.get(key) or []))
    for number, step in enumerate(document.get("history") or [], 1):
        yield f"step {number} of its history", f"{step.get('created_by', '')}\n{step.get('comment', '')}"


def _document(source: Source, config: Descriptor, session: Session) -> dict[str, Any]:
    held = b"".join(Incoming(source, config, session).pieces())
    return Manifest(config.digest, config.media_type, held).document
