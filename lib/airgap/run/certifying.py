"""The proof in a run's folder: what the attestation read, its proof and its certificate, so that bundles carry them.

``steps/NN_attest/observations.json`` is the index of that one reading; ``proof.json`` and ``certificate.json`` in the
run's own folder rest on it, and ``airgap prove RUN`` makes the same again from it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airgap.checks.proof import made
from airgap.egress.boundary import Boundary, intended
from airgap.egress.certificate import certificate
from airgap.evidence.files import write_whole
from airgap.evidence.pages import write_rows
from airgap.model.canonical import encode, plain
from airgap.run.estates import files

if TYPE_CHECKING:
    from airgap.run.step_run import StepRun

PROOF, CERTIFICATE = "proof.json", "certificate.json"


def write(run: StepRun) -> None:
    """Write what an attestation's verdict rests on, with its proof and certificate."""
    if run.estate is None:
        return
    folder, intent = run.context.folder.root, run.intent
    write_rows(run.context.step_folder.read, run.estate.observations)
    proof, network = made(intent, run.estate)
    stated = certificate(network, Boundary.from_data(intended(intent)), proof, files(folder))
    write_whole(folder / PROOF, encode(plain(proof.as_data())) + "\n")
    write_whole(folder / CERTIFICATE, encode(plain(stated)) + "\n")
