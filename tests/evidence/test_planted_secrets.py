"""Canaries of every kind of secret, planted in every form of member: all are found, and no bundle is written."""

from __future__ import annotations

import gzip
import html
import io
import json
import random
import string
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from airgap.errors import AirgapError
from airgap.evidence import packing
from airgap.evidence.folder import RunFolder
from airgap.evidence.scanning import hits
from airgap.model.canonical import encode
from airgap.model.redaction import KINDS, LEARNED, Redactor

DICE = random.Random(8)


def some(length: int, alphabet: str = string.ascii_letters + string.digits) -> str:
    return "".join(DICE.choices(alphabet, k=length))


PEM = "-----BEGIN {0}PRIVATE KEY-----\n" + some(64) + "\n" + some(64) + "\n-----END {0}PRIVATE KEY-----"
CANARIES = {
    "access-key-id": "AKIA" + some(16, string.ascii_uppercase),
    "session-token": "IQoJb3JpZ2luX2Vj" + some(300),
    "credential": "aws_secret_access_key = " + some(39) + "7",
    "password": "password=" + some(12) + "7!",
    "eks-token": "k8s-aws-v1." + some(120),
    "signed-request": "https://b.s3.amazonaws.com/k?X-Amz-Date=1&X-Amz-Signature=" + some(64, "0123456789abcdef"),
    "basic-auth-url": "postgresql://app:" + some(14) + "@db.internal:5432/app",
    "private-key": PEM.format("EC "),
    "jwt": f"eyJhbGciOiJSUzI1NiJ9.{some(60)}.{some(86)}",
    "bearer": "Authorization: Bearer " + some(40) + "1",
    "registry-token": "QVdTOmV5" + some(300),
    "forge-token": "ghp_" + some(36),
}  # fmt: skip
HELD = "".join(sorted(some(24)))
"""A secret without any form of one, which the process that packs holds."""


def cell(**output: object) -> str:
    return json.dumps({"cells": [{"cell_type": "code", "source": "", "outputs": [output]}], "nbformat": 4})


def cut(text: str) -> list[str]:
    """A text as nbformat may cut it: into any pieces."""
    return [text[start : start + 7] for start in range(0, len(text), 7)]


def marked(text: str) -> str:
    """A text as a page may show it: escaped, with an element within it."""
    middle = len(text) // 2
    return f"<p>{html.escape(text[:middle])}<wbr>{html.escape(text[middle:])}</p>"


def spreadsheet(text: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", f"<c><is><t>{html.escape(text)}</t></is></c>")
    return buffer.getvalue()


MEMBERS: dict[str, Callable[[str], tuple[str, str | bytes]]] = {
    "a page": lambda text: ("observations/x.json", encode({"Note": text})),
    "a journal": lambda text: ("journal.ndjson", encode({"event": "error", "data": {"text": text}}) + "\n"),
    "a table": lambda text: ("findings.csv", f"a,b\n1,{text}\n"),
    "a report": lambda text: ("index.html", marked(text)),
    "a packed file": lambda text: ("more/x.json.gz", gzip.compress(encode({"Note": text}).encode())),
    "a spreadsheet": lambda text: ("tables.xlsx", spreadsheet(text)),
    "the source of a cell": lambda text: (
        "notebook.ipynb", json.dumps({"cells": [{"cell_type": "markdown", "source": cut(text)}]}),
    ),
    "what a cell printed": lambda text: ("notebook.ipynb", cell(output_type="stream", text=cut(text))),
    "what a cell showed": lambda text: (
        "notebook.ipynb", cell(output_type="display_data", data={"text/html": cut(marked(text))}),
    ),
    "what a cell broke with": lambda text: ("notebook.ipynb", cell(output_type="error", traceback=[text])),
}  # fmt: skip


def planted(member: str, text: str) -> tuple[str, bytes]:
    name, content = MEMBERS[member](text)
    return name, content if isinstance(content, bytes) else content.encode()


def test_there_is_a_canary_of_each_of_twelve_kinds() -> None:
    assert set(CANARIES) | {LEARNED} == set(KINDS)
    assert len(CANARIES) == 12


@pytest.mark.parametrize("member", MEMBERS)
@pytest.mark.parametrize("kind", CANARIES)
def test_a_canary_is_found_wherever_it_is_planted(kind: str, member: str) -> None:
    assert kind in hits(*planted(member, CANARIES[kind]))


def test_cloudtrails_own_files_name_access_keys_and_hold_no_other_secret() -> None:
    every = gzip.compress(encode(sorted(CANARIES.values())).encode())
    assert set(hits("cloudtrail/AWSLogs/x.json.gz", every)) >= set(CANARIES) - {"access-key-id"}
    assert hits("cloudtrail/x.json.gz", gzip.compress(CANARIES["access-key-id"].encode())) == []
    assert hits("other/x.json.gz", gzip.compress(CANARIES["access-key-id"].encode())) == ["access-key-id"]


@pytest.mark.parametrize("member", MEMBERS)
def test_a_value_that_is_held_is_found_without_any_form(member: str) -> None:
    assert hits(*planted(member, f"of {HELD} and")) == []
    assert hits(*planted(member, f"of {HELD} and"), Redactor([HELD])) == [LEARNED]


@pytest.mark.parametrize("kind", [*CANARIES, LEARNED])
def test_a_bundle_with_a_canary_is_refused_and_not_written(kind: str, tmp_path: Path) -> None:
    root = tmp_path / "demo" / "20261123T085012Z-ab12"
    (root / "steps" / "02_network").mkdir(parents=True)
    (root / "run.json").write_text("{}")
    name, raw = planted("what a cell showed", CANARIES.get(kind, HELD))
    (root / "steps" / "02_network" / name).write_bytes(raw)
    with pytest.raises(AirgapError, match=f"02_network/notebook.ipynb: {kind}"):
        packing.create(RunFolder(tmp_path, "demo", root.name), {}, [HELD])
    assert not root.with_name(f"{root.name}.zip").exists()
    assert not list(tmp_path.rglob("*.part"))
