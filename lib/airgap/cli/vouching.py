"""What stands beside a bundle and vouches for it: signature and time-stamp, written and looked at."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airgap.errors import UsageError

if TYPE_CHECKING:
    from airgap.evidence import signing


def vouch(path: Path, sign: str, stamp: str, run: Mapping[str, Any]) -> None:
    """Write the signature and the time-stamp that are asked for; those of a bundle before it are taken away."""
    from airgap.evidence import signing, stamping
    from airgap.evidence.bundle.manifest import MANIFEST
    from airgap.evidence.bundle.members import opened
    from airgap.evidence.files import write_whole

    said = opened(str(path))[MANIFEST]
    for module in (signing, stamping):
        module.side_file(path).unlink(missing_ok=True)
    if sign:
        text = signing.envelope(signing.statement(run, said), _signer(sign, str(run["region"])))
        write_whole(signing.side_file(path), text)
        said = text.encode()
    if stamp:
        write_whole(stamping.side_file(path), stamping.stamp(stamp, said))


def _signer(named: str, region: str) -> signing.Signer:
    """Return whoever signs under this name; what has none of these schemes is a file."""
    from airgap.cloud.kms_signer import kms_key
    from airgap.evidence.signing import Signer, local_key
    from airgap.evidence.token_key import token_key

    schemes = {"kms": lambda: kms_key(named.removeprefix("kms:"), region), "pkcs11": lambda: token_key(named)}
    found = schemes.get(named.partition(":")[0], lambda: local_key(Path(named)))()
    return Signer(*found)


def vouched(file: Path, public_key: Path | None, authority: Path | None) -> dict[str, signing.Signature]:
    """Return what became of the signature, the time-stamp and the bundle before, which stand beside a bundle."""
    from airgap.evidence import chaining, signing, stamping
    from airgap.evidence.bundle.manifest import MANIFEST
    from airgap.evidence.bundle.members import Broken, opened

    try:
        said = opened(str(file))[MANIFEST]
    except (Broken, KeyError):
        said = b""
    envelope, answer = signing.side_file(file), stamping.side_file(file)
    found = {"signature": signing.Signature(None, "not signed"), "time-stamp": signing.Signature(None, "none")}
    if envelope.is_file():
        raw = envelope.read_bytes()
        found["signature"] = signing.judge(raw, said, _read(public_key))
        said = raw
    if answer.is_file():
        found["time-stamp"] = stamping.judge(answer.read_bytes(), said, _read(authority))
    return {**found, "chain": chaining.before(file)} if file.is_file() else found


def _read(path: Path | None) -> bytes | None:
    if path is not None and not path.is_file():
        raise UsageError(f"{path} is no file", "anything", "name a file of keys or certificates in PEM")
    return path.read_bytes() if path else None
