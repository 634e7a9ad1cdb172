"""Only what an approved key has signed is locked, planned and copied, where a key is approved for it."""

from __future__ import annotations

import base64
import dataclasses
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from site_of_tests import PAUSE, Site

from airgap.errors import Unsigned
from airgap.model.intent import Signer
from airgap.model.mirror import Claim, Entry, Lock
from airgap.model.signed_images import ENVELOPE, PREDICATE, signed_by
from airgap.oci.content import OCI_MANIFEST, digest_of
from airgap.oci.mirror import raised
from airgap.oci.signatures import PAYLOAD, SIGNATURE, verifies
from airgap.rehearsal.registry import protocol, public

BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"


class Key:
    """A key pair that signs as cosign does."""

    def __init__(self, kind: str = "P-256") -> None:
        makers = {
            "P-256": lambda: ec.generate_private_key(ec.SECP256R1()),
            "Ed25519": ed25519.Ed25519PrivateKey.generate,
            "RSA": lambda: rsa.generate_private_key(65537, 2048),
        }
        self.key: Any = makers[kind]()
        more = {"P-256": (ec.ECDSA(SHA256()),), "Ed25519": (), "RSA": (padding.PKCS1v15(), SHA256())}
        self.more = more[kind]

    def sign(self, message: bytes) -> str:
        return base64.b64encode(self.key.sign(message, *self.more)).decode()

    def approved(self, *images: str, name: str = "acme") -> Signer:
        public_key = self.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        return Signer(name, images or ("*",), public_key.decode())


OURS, OTHERS = Key(), Key()


def said_of(digest: str, kind: str = "cosign container image signature") -> bytes:
    critical = {"identity": {"docker-reference": ""}, "image": {"docker-manifest-digest": digest}, "type": kind}
    return json.dumps({"critical": critical, "optional": None}).encode()


def statement(digest: str, predicate: str = PREDICATE) -> bytes:
    subject = [{"digest": {"sha256": digest.removeprefix("sha256:")}}]
    told = {"_type": "https://in-toto.io/Statement/v1", "subject": subject, "predicateType": predicate, "predicate": {}}
    return json.dumps(told).encode()


def bundle(key: Key, payload: bytes, kind: str = ENVELOPE) -> bytes:
    signature = key.sign(b"DSSEv1 %d %b %d %b" % (len(kind), kind.encode(), len(payload), payload))
    envelope = {
        "payload": base64.b64encode(payload).decode(), "payloadType": kind, "signatures": [{"sig": signature}]
    }  # fmt: skip
    return json.dumps({"mediaType": BUNDLE, "dsseEnvelope": envelope}).encode()


def image(site: Site, name: str) -> tuple[str, str]:
    """Publish an image without any signature; return its reference and its digest."""
    reference = site.publish(name.encode(), name=f"acme/{name}")
    return reference, site.mirror.resolve({reference: "tests"}).entries[0].digest


def attach(name: str, of: str, media_type: str, content: bytes, annotations: dict[str, str] | None = None) -> None:
    """Publish one layer as what refers to a digest, under the tag that cosign gives it."""
    empty = b"{}"
    layer = {"mediaType": media_type, "digest": digest_of(content), "size": len(content)}
    document = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": {"mediaType": "application/vnd.oci.empty.v1+json", "digest": digest_of(empty), "size": 2},
        "layers": [{**layer, **({"annotations": annotations} if annotations else {})}],
    }
    body = json.dumps(document).encode()
    manifest = protocol.Manifest(digest_of(body), OCI_MANIFEST, body)
    public.publish("quay.io", f"acme/{name}", of.replace(":", "-") + ".sig", manifest, [empty, content])


def sign(name: str, digest: str, key: Key, payload: bytes = b"") -> None:
    payload = payload or said_of(digest)
    attach(name, digest, PAYLOAD, payload, {SIGNATURE: key.sign(payload)})


@pytest.mark.parametrize("kind", ["P-256", "Ed25519", "RSA"])
def test_what_an_approved_key_has_signed_is_locked_planned_and_copied(site: Site, kind: str) -> None:
    key = Key(kind)
    reference, digest = image(site, kind.lower())
    sign(kind.lower(), digest, key)
    mirror = site.another(signers=(key.approved(),))
    lock = mirror.resolve({reference: "tests"})
    site.repositories(lock)
    assert [one.claims for one in lock.entries] == [
        (Claim(said_of(digest).decode(), lock.entries[0].claims[0].signature),)
    ]
    assert Lock.from_data(json.loads(json.dumps(lock.as_data()))) == lock
    assert [(one.action, one.signer) for one in mirror.plan(lock)] == [("copy", "acme")]
    raised(mirror.copy(lock))
    assert [(one.action, one.signer) for one in mirror.plan(lock)] == [("done", "acme")]


def test_a_bundle_of_cosign_3_signs_too(site: Site) -> None:
    reference, digest = image(site, "bundled")
    attach("bundled", digest, BUNDLE, bundle(OURS, statement(digest)))
    assert site.another(signers=(OURS.approved(),)).resolve({reference: "tests"}).entries[0].claims


def _unsigned(name: str, digest: str) -> None:
    """Nothing is attached."""


REFUSED = {
    "unsigned": (_unsigned, "no signature in cosign's form came with it, and acme should have signed it"),
    "stranger": (lambda name, digest: sign(name, digest, OTHERS), "none of its 1 signatures is by the key of acme"),
    "other-digest": (
        lambda name, digest: sign(name, digest, OURS, said_of("sha256:" + "0" * 64)),
        "its signatures are of sha256:" + "0" * 64,
    ),
    "other-type": (
        lambda name, digest: sign(name, digest, OURS, said_of(digest, "something else")),
        "its signatures are of nothing that can be read",
    ),
    "attestation": (
        lambda name, digest: attach(name, digest, BUNDLE, bundle(OURS, statement(digest, "https://spdx.dev/Document"))),
        "no signature in cosign's form came with it",
    ),
    "bundle-of-a-stranger": (
        lambda name, digest: attach(name, digest, BUNDLE, bundle(OTHERS, statement(digest))),
        "none of its 1 signatures is by the key of acme",
    ),
    "bundle-of-another-payload": (
        lambda name, digest: attach(name, digest, BUNDLE, bundle(OURS, statement(digest), "text/plain")),
        "no signature in cosign's form came with it",
    ),
    "no-bundle": (lambda name, digest: attach(name, digest, BUNDLE, b"[]"), "no signature in cosign's form"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_no_approved_key_has_signed_is_neither_locked_nor_planned_nor_copied(site: Site, name: str) -> None:
    attached, why = REFUSED[name]
    reference, digest = image(site, name)
    attached(name, digest)
    lock = site.locked(reference)  # by a mirror that approves no key
    mirror = site.another(signers=(OURS.approved(),))
    for refused in (lambda: mirror.resolve({reference: "tests"}), lambda: mirror.plan(lock)):
        with pytest.raises(Unsigned) as error:
            refused()
        assert why in error.value.what
        assert digest in error.value.what
        assert error.value.action
    outcomes = mirror.copy(lock)
    with pytest.raises(Unsigned):
        raised(outcomes)
    assert site.images(lock.entries[0]) == []


def test_each_unsigned_image_is_named_and_the_others_are_copied(site: Site) -> None:
    references = [image(site, name)[0] for name in ("first", "second")]
    signed, digest = image(site, "third")
    sign("third", digest, OURS)
    lock = site.locked(*references, signed)
    mirror = site.another(signers=(OURS.approved(),))
    with pytest.raises(Unsigned) as error:
        mirror.plan(lock)
    assert all(one in error.value.what for one in references)
    assert signed not in error.value.what
    copied = {one.entry.reference: one.error is None for one in mirror.copy(lock)}
    assert copied == {references[0]: False, references[1]: False, signed: True}


def test_a_key_is_approved_for_what_its_patterns_name(site: Site) -> None:
    reference, digest = image(site, "patterned")
    sign("patterned", digest, OTHERS)
    lock = site.locked(reference, PAUSE)
    elsewhere = site.another(signers=(OURS.approved("ghcr.io/*", "quay.io/acme"),))
    assert {one.signer for one in elsewhere.plan(lock)} == {""}
    for pattern in ("quay.io/*", "quay.io/acme/patterned", "*"):
        with pytest.raises(Unsigned):
            site.another(signers=(OURS.approved(pattern),)).plan(lock)
    both = (OURS.approved(), OTHERS.approved("quay.io/acme/*", name="new key of acme"))
    assert signed_by(lock.find(reference), both).by == "new key of acme"  # while a key is changed, either holds


def test_what_a_file_carries_is_judged_as_well(site: Site) -> None:
    reference, digest = image(site, "carried")
    sign("carried", digest, OURS)
    lock = site.locked(reference)
    file = site.folder / "images.tar"
    raised(site.another(signers=(OURS.approved(),)).save(lock, file))
    with pytest.raises(Unsigned):
        raised(site.another(signers=(OTHERS.approved(),)).load(file))
    assert site.images(lock.entries[0]) == []
    raised(site.another(signers=(OURS.approved(),)).load(file))
    assert site.tags(lock.entries[0])["1.0"] == digest


@pytest.mark.parametrize(
    "change",
    [
        lambda claim: dataclasses.replace(claim, signature=OTHERS.sign(claim.payload.encode())),
        lambda claim: dataclasses.replace(claim, signature="no base64"),
        lambda claim: dataclasses.replace(claim, payload=claim.payload.replace("null", "true")),
        lambda claim: dataclasses.replace(claim, payload=claim.payload + " "),
        lambda claim: dataclasses.replace(claim, payload="[]"),
    ],
)
def test_a_lock_that_was_edited_signs_nothing(change: Any) -> None:
    """The library and the standard library alone, as an auditor asks again, say the same."""
    digest = "sha256:" + "1" * 64
    claim = Claim(said_of(digest).decode(), OURS.sign(said_of(digest)))
    entry = Entry("image", "quay.io/acme/web", "1.0", digest, claims=(claim,))
    signers = (OURS.approved(),)
    edited = dataclasses.replace(entry, claims=(change(claim),))
    assert signed_by(entry, signers).by == signed_by(entry, signers, verifies).by == "acme"
    assert signed_by(edited, signers) == signed_by(edited, signers, verifies)
    assert not signed_by(edited, signers).by
    other = dataclasses.replace(entry, digest="sha256:" + "2" * 64)
    assert signed_by(other, signers).why == f"its signatures are of {digest}"


def test_the_rehearsals_own_images_are_signed_by_the_key_that_demo_approves(site: Site) -> None:
    from airgap import params

    signers = params.load("demo", params.project_root()).images.signers
    lock = site.another(signers=signers).resolve({PAUSE: "tests"})
    assert signed_by(lock.entries[0], signers).by == "publisher of the rehearsal"
