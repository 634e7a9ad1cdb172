"""The package of the functions that run in Lambda: their code, the driver, and AWS's roots for RDS, in one object.

It is the same to the byte wherever the same versions are installed, so its digest can be planned, approved and compared
with what Lambda says that it runs. Nothing in it is compressed: compressors differ from machine to machine.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import importlib.metadata
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

from airgap.errors import AirgapError, ParamsError
from airgap.model.estate import Estate
from airgap.model.intent import Intent
from airgap.model.plan import Desired, ref
from airgap.model.reading import NEVER, Field, Reading
from airgap.resources.kind import Call, Kind, declares

FOLDER = "functions/"
"""Where packages stand in the artefact bucket; everything there is the runbook's own."""

CODE = Path(__file__).parents[1] / "functions"
AUTHORITIES = "rds-authorities.pem"
DISTRIBUTIONS = ("asn1crypto", "pg8000", "python-dateutil", "scramp", "six")
"""The driver and what it needs, pure Python, as the hashed lock has installed them."""
_EPOCH = (1980, 1, 1, 0, 0, 0)
_FILE = 0o100644 << 16
_UNIX = 3


@functools.lru_cache(maxsize=4)
def content(given: str = "") -> bytes:
    """Return the archive, with these roots in PEM, else with those that are carried in."""
    roots = given or (CODE / AUTHORITIES).read_text()
    files = {**dict(_own()), **dict(_driver()), f"functions/{AUTHORITIES}": roots.encode()}
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.external_attr, entry.create_system = _FILE, _UNIX
            archive.writestr(entry, files[name])
    return target.getvalue()


OBJECT = Kind(
    "object",
    "Package of functions",
    Reading(
        "s3:ListObjectVersions",
        "Versions",
        "^.?.Bucket+Key",
        owner="parent",
        natural=("bucket", "name"),
        only=(("IsLatest", "true"),),
        attrs={"version": "VersionId"},
        fields={
            "bucket": Field("^.?.Bucket", change=NEVER, why="an object is a part of its bucket"),
            "name": Field("Key", change=NEVER, why="its name holds its digest, so another package has another name"),
        },
    ),
    create=(
        Call(
            "s3:PutObject",
            lambda f: {
                "Bucket": f["bucket"],
                "Key": f["name"],
                "Body": content(f["authorities"]),
                # S3 refuses what does not arrive as it was.
                "ChecksumSHA256": f["sha256"],
                "Tagging": urlencode(f["tags"]),
            },
            actions=("s3:PutObjectTagging", "kms:GenerateDataKey", "kms:Decrypt"),
        ),
    ),
    delete=(
        Call(
            "s3:DeleteObject",
            lambda f: {"Bucket": f["bucket"], "Key": f["name"], "VersionId": f["version"]},
            actions=("s3:DeleteObjectVersion",),
        ),
    ),
)


def digest(intent: Intent) -> str:
    """Return the SHA-256 of an environment's archive as 64 hex digits."""
    return hashlib.sha256(content(authorities(intent))).hexdigest()


def code_sha256(intent: Intent) -> str:
    """Return the SHA-256 of an environment's archive in base64, as Lambda tells it (``CodeSha256``)."""
    return base64.b64encode(bytes.fromhex(digest(intent))).decode()


def authorities(intent: Intent) -> str:
    """Return the roots that the params give, '' where those that are carried in know the environment's Region.

    Raises ``ParamsError`` where neither does.
    """
    given = intent.data.rds_authorities
    if not given and f"# Amazon RDS {intent.region} Root CA" not in (CODE / AUTHORITIES).read_text():
        what = f"No root certificate of RDS in {intent.region} is carried in, so no function could know the database"
        how = "give AWS's bundle for the Region as data.rds_authorities in the params, in PEM"
        raise ParamsError(what, "anything that a function needs", how)
    return given or ""


def _own() -> Iterator[tuple[str, bytes]]:
    for path in CODE.glob("*.py"):
        yield f"functions/{path.name}", path.read_bytes()


def _driver() -> Iterator[tuple[str, bytes]]:
    """The driver's modules, and of each distribution what says its version and licence."""
    for name in DISTRIBUTIONS:
        found = importlib.metadata.distribution(name)
        for path in found.files or ():
            if path.suffix == ".py" or "LICEN" in path.name.upper() or path.name == "METADATA":
                yield str(path), _read(name, Path(str(found.locate_file(path))))


def _read(name: str, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        what = f"{name} is not installed as its record says: {path.name} is missing"
        raise AirgapError(what, "anything that a function needs", "run 'make setup' again") from error


@declares(OBJECT)
def declare(intent: Intent, facts: Estate) -> Iterator[Desired]:
    """Yield the package of all functions, in the artefact bucket under its digest."""
    fields = {
        "bucket": ref("bucket:artifacts"),
        "name": key(intent),
        "sha256": code_sha256(intent),
        "authorities": authorities(intent),
    }
    yield Desired("object", "functions", fields, why="Lambda takes code from a bucket of ours, by version")


def key(intent: Intent) -> str:
    """Return where the package stands in the artefact bucket, by its digest."""
    return f"{FOLDER}{digest(intent)}.zip"
