"""Signatures and time-stamps: what is written beside a bundle, and what the command line says of it."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from bundled import Site
from vouchers import answering, key, openssl

from airgap.evidence.signing import PAYLOAD, encoded


@pytest.fixture
def authority(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A time-stamp authority on loopback, and the certificate that it hangs from."""
    with answering(tmp_path) as serving:
        yield serving


def test_an_unsigned_bundle_says_so_and_fails_only_where_a_signature_is_required(site: Site, bundle: Path) -> None:
    done = site("bundle", "verify", str(bundle))
    assert (done.returncode, "not signed" in done.stdout) == (0, True)
    assert site("bundle", "verify", str(bundle), "--require-signature").returncode == 10


def test_a_signature_by_a_local_key_is_checked_by_us_and_by_openssl(site: Site, bundle: Path, tmp_path: Path) -> None:
    mine, other = key(tmp_path, "mine"), key(tmp_path, "other")
    try:
        assert site("bundle", "create", str(bundle.with_suffix("")), "--sign", str(mine)).returncode == 0
        side = bundle.with_name(bundle.name + ".dsse.json")
        outcomes = {
            (): (0, "was not checked"),
            ("--require-signature",): (10, "was not checked"),
            ("--public-key", str(mine.with_suffix(".pub")), "--require-signature"): (0, "signed by key"),
            ("--public-key", str(other.with_suffix(".pub"))): (10, "not signed by key"),
        }
        for options, (code, text) in outcomes.items():
            done = site("bundle", "verify", str(bundle), *options)
            assert (done.returncode, text in done.stdout) == (code, True), done.stdout
        body = json.loads(side.read_text())
        payload = base64.b64decode(body["payload"])
        (tmp_path / "pae").write_bytes(encoded(PAYLOAD, payload))
        (tmp_path / "sig").write_bytes(base64.b64decode(body["signatures"][0]["sig"]))
        said = openssl("dgst", "-sha256", "-verify", "mine.pub", "-signature", "sig", "pae", cwd=tmp_path)
        assert "Verified OK" in said
        assert json.loads(payload)["predicate"]["result"] == "PASSED"
        statement = json.loads(payload)
        statement["predicate"]["result"] = "FAILED"
        side.write_text(json.dumps({**body, "payload": base64.b64encode(json.dumps(statement).encode()).decode()}))
        assert site("bundle", "verify", str(bundle), "--public-key", str(mine.with_suffix(".pub"))).returncode == 10
        side.write_text("{")
        assert "malformed" in site("bundle", "verify", str(bundle)).stdout
    finally:
        bundle.with_name(bundle.name + ".dsse.json").unlink(missing_ok=True)


def test_a_key_that_may_not_sign_is_said(site: Site, bundle: Path) -> None:
    refused = site("bundle", "create", str(bundle.with_suffix("")), "--sign", "kms:alias/nobodys")
    assert (refused.returncode, "kms:Sign" in refused.stderr) == (1, True)
    assert not bundle.with_name(bundle.name + ".dsse.json").exists()


def test_a_time_stamp_is_verified_offline(
    site: Site, bundle: Path, authority: tuple[str, Path], tmp_path: Path
) -> None:
    url, root = authority
    side = bundle.with_name(bundle.name + ".tsr")
    try:
        done = site("bundle", "create", str(bundle.with_suffix("")), "--stamp", url)
        assert done.returncode == 0, done.stderr
        assert "was not checked" in site("bundle", "verify", str(bundle)).stdout
        done = site("bundle", "verify", str(bundle), "--authority", str(root))
        assert (done.returncode, "existed at" in done.stdout) == (0, True), done.stdout
        (tmp_path / "elsewhere").mkdir()
        other = tmp_path / "elsewhere"
        key(other, "ca")
        openssl("req", "-x509", "-new", "-key", "ca.pem", "-subj", "/CN=other", "-out", "ca.crt", cwd=other)
        assert site("bundle", "verify", str(bundle), "--authority", str(other / "ca.crt")).returncode == 10
        side.write_bytes(side.read_bytes()[:-40])
        assert site("bundle", "verify", str(bundle), "--authority", str(root)).returncode == 10
    finally:
        side.unlink(missing_ok=True)


def test_an_authority_that_does_not_answer_is_said(site: Site, bundle: Path) -> None:
    done = site("bundle", "create", str(bundle.with_suffix("")), "--stamp", "http://127.0.0.1:9/tsa")
    assert done.returncode == 1
    assert "gave no time-stamp" in done.stderr
    assert not bundle.with_name(bundle.name + ".tsr").exists()
