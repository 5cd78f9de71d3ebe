"""What a run of the demonstration gave; a part that was not asked for is None."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tsrep.cli.demo.classification import Classified
from tsrep.cli.demo.gaps import Filled
from tsrep.cli.demo.heartbeats import Forecast, Watched
from tsrep.cli.demo.masked import Masked
from tsrep.cli.demo.recording import Encoded


@dataclass(frozen=True)
class Results:
    """One field per part; `masked` is there with `classified`, and `recording`, `forecast`, `anomalies` and `gaps` are
    there together or not at all."""

    classified: Sequence[Classified]
    masked: Masked | None = None
    recording: Encoded | None = None
    forecast: Forecast | None = None
    anomalies: Watched | None = None
    gaps: Filled | None = None

    def summary(self) -> dict[str, Any]:
        """What goes into results.json."""
        parts = {
            "masked": self.masked,
            "recording": self.recording,
            "forecast": self.forecast,
            "anomalies": self.anomalies,
            "gaps": self.gaps,
        }
        return {
            "datasets": {result.example.name: result.summary() for result in self.classified},
            **{name: part.summary() if part else None for name, part in parts.items()},
        }
