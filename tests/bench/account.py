"""An embedded AWS as the benchmark sees it: how to reach it, and what it has cost."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Embedded:
    """The environment of its callers, and its process."""

    environment: dict[str, str]
    pid: int

    def cpu(self) -> float:
        """Return the CPU seconds that the process has used (proc(5), fields 14 and 15); 0 where there is no /proc."""
        stat = Path(f"/proc/{self.pid}/stat")
        if not stat.exists():
            return 0.0
        fields = stat.read_text(encoding="utf-8").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
