"""The private parts of moto that the supplement reaches into are still there: one assertion for each."""

from __future__ import annotations

import ast
import functools
import gzip
import re
import subprocess
import sys
from pathlib import Path

import botocore
import moto
import moto.backends
import moto.core.responses
import pytest
from moto.moto_server.werkzeug_app import DomainDispatcherApplication

import airgap.rehearsal
from airgap.rehearsal import hook
from airgap.rehearsal.setting import install

FOLDER = Path(airgap.rehearsal.__file__).parent


def test_moto_is_the_pinned_one():
    assert moto.__version__ == "5.2.5"


def test_what_never_changes_is_worked_out_once():
    install()
    assert moto.core.responses.method_names_from_class.cache_info()
    assert DomainDispatcherApplication.get_backend_for_host.cache_info()
    assert isinstance(moto.backends.list_of_moto_modules(), tuple)


@functools.cache
def model(service: str) -> str:
    """The newest model of a service, as text: parsing all of them takes many seconds."""
    paths = sorted(Path(botocore.__file__).parent.glob(f"data/{service}/*/service-2.json*"))
    return gzip.decompress(paths[-1].read_bytes()).decode()


@pytest.mark.parametrize("table", ["ANSWERS", "BEFORE", "AFTER"])
def test_every_hook_names_an_operation_that_botocore_has(table):
    install()
    keys = getattr(hook, table)
    assert keys
    wrong = [key for key in keys if key[1] != "*" and not re.search(rf'"{key[1]}"\s*:\s*{{', model(key[0]))]
    assert wrong == []


def test_the_rehearsal_stands_beside_the_rest():
    for path in FOLDER.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            ours = [name for name in names if name.split(".")[0] == "airgap"]
            assert all(name.startswith(("airgap.rehearsal", "airgap.errors")) for name in ours), path


def test_the_client_side_needs_no_moto():
    code = "import sys, airgap.rehearsal; assert not {'moto', 'boto3', 'botocore', 'flask'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
