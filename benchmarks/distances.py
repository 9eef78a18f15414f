"""The distances of two event logs by the package `log-distance-measures` 2.2, for `benchmarks/calibration.py`.

The package wants pandas below 3, so this runs by the Python of an environment of its own:
`python -m venv FOLDER && FOLDER/bin/pip install log-distance-measures==2.2`. Reads from standard input a JSON list of
pairs of CSV files (real, simulated; columns case, activity, start, end, times in µs), writes a list of distances.
"""

from __future__ import annotations

import json
import sys
from datetime import timedelta
from typing import Any

import pandas as pd


def main() -> None:
    pairs = json.load(sys.stdin)
    logs = {path: _read(path) for path in {path for pair in pairs for path in pair}}
    json.dump([distances(logs[real], logs[simulated]) for real, simulated in pairs], sys.stdout)


def distances(real: Any, simulated: Any) -> dict[str, float]:
    from log_distance_measures.absolute_event_distribution import absolute_event_distribution_distance
    from log_distance_measures.circadian_event_distribution import circadian_event_distribution_distance
    from log_distance_measures.config import EventLogIDs
    from log_distance_measures.cycle_time_distribution import cycle_time_distribution_distance
    from log_distance_measures.n_gram_distribution import n_gram_distribution_distance
    from log_distance_measures.relative_event_distribution import relative_event_distribution_distance

    ids = EventLogIDs(case="case", activity="activity", start_time="start", end_time="end")
    two = (real, ids, simulated, ids)
    return {
        "NGD": float(n_gram_distribution_distance(*two, n=3)),
        "AED": float(absolute_event_distribution_distance(*two)),
        "CED": float(circadian_event_distribution_distance(*two)),
        "RED": float(relative_event_distribution_distance(*two)),
        "CTD": float(cycle_time_distribution_distance(*two, bin_size=timedelta(hours=1))),
    }


def _read(path: str) -> pd.DataFrame:
    frame = pd.read_csv(path, dtype={"case": str, "activity": str})
    for column in ("start", "end"):
        frame[column] = pd.to_datetime(frame[column], unit="us", utc=True)
    return frame


if __name__ == "__main__":
    main()
