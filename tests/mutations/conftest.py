"""A good estate, recorded once for all mutations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest
from recorded_estate import Recording, record

from airgap.checks import suite
from airgap.model.finding import Finding
from airgap.rehearsal import environment, serving


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    """The embedded AWS that the estate is recorded on, as the variables that name it; no other test sees them."""
    with serving() as url:
        yield {**environment(url), "AIRGAP_REPORTS": str(tmp_path_factory.mktemp("reports"))}


@pytest.fixture(scope="session")
def recording(served: Mapping[str, str]) -> Recording:
    """The good estate: every step applied, and every page read that any check rests on."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in served.items():
            patch.setenv(name, value)
        return record(served["AIRGAP_REPORTS"])


@pytest.fixture(scope="session")
def good(recording: Recording) -> Mapping[str, list[Finding]]:
    """What each check finds in the good estate, by the check's id."""
    estate = recording.estate()
    return {one.id: one.findings(recording.intent, estate) for one in suite.ALL}
