"""Bundles: create, verify and replay, for the reference run and for one with a hundred times as many pages.

What verification is compared with is reading and hashing the same members, which is what it cannot do without. The
pages that are added are observations of a further account that a step's judgement holds: they are chained, indexed,
hashed and loaded into its estate, and change no finding.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from tests.bench.measure import ROOT, Cost, airgap, embedded, row

from airgap.evidence.bundle import derived, manifest
from airgap.evidence.bundle.assessed import assessed
from airgap.evidence.bundle.recorded import INDEX, Run
from airgap.model import journal
from airgap.model.canonical import digest, digest_of, encode

TIMES = 100
STEP = "02_network"
_HASH = """
import hashlib, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as held:
    for name in held.namelist():
        hashlib.sha256(held.read(name)).digest()
"""


_RUN = """
import runpy, sys
sys.argv = sys.argv[1:]
try:
    runpy.run_path(sys.argv[0], run_name="__main__")
finally:
    print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM:")))
"""


class Measured(NamedTuple):
    """What a process cost, and its largest size in MiB where it tells that last, else 0."""

    cost: Cost
    peak: float


def measured(*arguments: str, environment: dict[str, str] | None = None) -> Measured:
    """Run Python in a process of its own; one that fails ends the benchmark.

    What the kernel says of a child's size counts what its parent had when it began, so the child says it itself.
    """
    began = time.perf_counter()
    with tempfile.TemporaryFile() as told:
        running = subprocess.Popen([sys.executable, *arguments], stdout=told, stderr=told, cwd=ROOT, env=environment)
        _, status, used = os.wait4(running.pid, 0)
        running.returncode = os.waitstatus_to_exitcode(status)
        cost = Cost(time.perf_counter() - began, used.ru_utime + used.ru_stime)
        told.seek(0)
        said = told.read().decode()
    if running.returncode:
        sys.exit(f"{' '.join(arguments)} ended with {running.returncode}:\n{said[-2000:]}")
    last = said.rstrip().rpartition("\n")[2]
    return Measured(cost, int(last) / 1024 if last.isdigit() else 0.0)


class Grown:
    """A bundle's members with pages added, so that they verify: journal, judgement, index, head and manifest anew."""

    def __init__(self, members: dict[str, bytes], times: int) -> None:
        self.members, self.times = members, times
        self.run = Run(members)
        self.first = {one.page: one for one in self.run.seen.values() if one.page}
        self.rows: list[dict[str, Any]] = json.loads(members[INDEX])
        self.lines: list[str] = []
        self.prev, self.seen = journal.GENESIS, list[str]()

    def add(self, event: str, when: str, data: dict[str, Any]) -> None:
        """Append a line to the step's journal."""
        line = journal.line(len(self.lines) + 1, when, event, data, self.prev)
        self.prev = line["digest"]
        self.lines.append(journal.write(line))

    def pages(self) -> Iterator[tuple[str, bytes]]:
        """Yield each page that is added, after its observation was journalled and indexed."""
        for number in range(1, self.times):
            for page, one in self.first.items():
                was = self.members[f"observations/{page}.json"]
                raw = (was[:-1] + b"," if len(was) > 2 else b"{") + b'"~":%d}' % number
                data = {**one.as_data(), "account": f"9{number:011d}", "page": digest(raw), "size": len(raw)}
                self.add("read", one.time, data)
                self.seen.append(digest_of(data))
                self.rows.append({name: data[name] for name in self.rows[0]})
                yield f"observations/{data['page']}.json", raw

    def all(self) -> Iterator[tuple[str, bytes]]:
        """Yield every member but the manifest."""
        entries, _ = journal.read(self.members[f"steps/{STEP}/journal.ndjson"].decode())
        cut = next(number for number, entry in enumerate(entries) if entry["event"] == "verdict")
        for entry in entries[:cut]:
            self.add(entry["event"], entry["time"], entry["data"])
        yield from self.pages()
        judged = json.loads(self.members[f"steps/{STEP}/judged.json"])
        judged["observations"] += self.seen
        for entry in entries[cut:]:
            changed = {"judged": digest_of(judged)} if entry["event"] == "verdict" else {}
            self.add(entry["event"], entry["time"], {**entry["data"], **changed})
        heads = [
            [name, self.prev if name == STEP else one.head] for name, one in self.run.journals.items() if one.total
        ]
        new = {
            f"steps/{STEP}/journal.ndjson": "".join(self.lines),
            f"steps/{STEP}/judged.json": encode(judged) + "\n",
            INDEX: "[\n" + ",\n".join(map(encode, self.rows)) + "\n]\n",
            "run.json": json.dumps({**self.run.data, "head": digest_of(heads)}),
        }
        made = {name: text.encode() for name, text in new.items()}
        # OSCAL's ids come from the journals' head, which is another one now.
        run = Run({**self.members, "run.json": made["run.json"]})
        made |= derived.texts(assessed(run), run)
        yield from made.items()
        yield from ((name, raw) for name, raw in self.members.items() if name not in {*made, manifest.MANIFEST})

    def write(self, path: Path) -> None:
        """Write the archive, its members one by one."""
        rows: dict[str, tuple[str, int]] = {}
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
            for name, raw in self.all():
                file.writestr(_entry(name), raw)
                rows[name] = hashlib.sha256(raw).hexdigest(), len(raw)
            head = {"run_id": self.run.data["run_id"], "env": "demo"}
            file.writestr(_entry(manifest.MANIFEST), manifest.listed(rows, head))


def _entry(name: str) -> zipfile.ZipInfo:
    """Return the archive's own record of a plain file."""
    entry = zipfile.ZipInfo(name)
    entry.external_attr, entry.compress_type = 0o100644 << 16, zipfile.ZIP_DEFLATED
    return entry


def print_rows() -> None:
    """Print what create, verify and replay cost, and how time and memory grow with pages."""
    with embedded() as account, tempfile.TemporaryDirectory() as folder:
        airgap("apply", account, "--no-pdf")
        made = measured("-m", "airgap", "bundle", "create", "demo/latest", environment=account.environment)
        bundle = Path(account.environment["AIRGAP_REPORTS"]) / "demo" / "latest"
        small, large, verifier = bundle.resolve().with_suffix(".zip"), Path(folder) / "l.zip", Path(folder) / "v.pyz"
        with zipfile.ZipFile(small) as held:
            members = {name: held.read(name) for name in held.namelist()}
        verifier.write_bytes(members["verify.pyz"])
        grown = Grown(members, TIMES)
        grown.write(large)
        every = [_rows(path, verifier, pages) for path, pages in
                 ((small, len(grown.first)), (large, len(grown.first) * TIMES))]  # fmt: skip
        row("bundle create, with its verification", made.cost, "verify.pyz", every[0][1].cost)
    (bare, one, _), (bare_all, all_, _) = every
    further = [Cost(0.0, b.cost.cpu - a.cost.cpu) for a, b in ((bare, bare_all), (one, all_))]
    row("verify.pyz, the further pages alone", further[1], "hashing them", further[0], "bound by hashing")
    print(f"{'peak of verify.pyz':<38} {one.peak:.0f} MiB, and {all_.peak:.0f} MiB with {TIMES} x as many pages")


def _rows(bundle: Path, verifier: Path, pages: int) -> tuple[Measured, Measured, Measured]:
    bare = measured("-c", _HASH, str(bundle))
    verified = measured("-I", "-c", _RUN, str(verifier), str(bundle))
    replayed = measured("-m", "airgap", "bundle", "replay", str(bundle))
    row(f"read and hash, {pages} pages", bare.cost)
    row(f"verify.pyz, {pages} pages", verified.cost, "read and hash", bare.cost)
    row(f"airgap bundle replay, {pages} pages", replayed.cost, "verify.pyz", verified.cost, "seconds")
    return bare, verified, replayed
