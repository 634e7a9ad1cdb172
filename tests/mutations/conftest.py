"""A good estate, recorded once for all mutations."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from recorded_estate import Recording, record

from airgap.rehearsal import environment, serving


@pytest.fixture(scope="session")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recording]:
    """The good estate: every step applied, and every page read that any check rests on."""
    with pytest.MonkeyPatch.context() as patch, serving() as url:
        reports = tmp_path_factory.mktemp("reports")
        for name, value in {**environment(url), "AIRGAP_REPORTS": str(reports)}.items():
            patch.setenv(name, value)
        yield record(reports)
