"""What tests of the embedded AWS have is importable here too."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1] / name) for name in ("rehearsal",)]
