"""One verb for every picture: `draw(value)` chooses by what it is given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mkmine.discovery import Difference, ProcessMap
from mkmine.errors import DataError
from mkmine.performance import Causes, FlowMetrics
from mkmine.report.causes import draw_causes
from mkmine.report.difference_map import draw_difference
from mkmine.report.flow_charts import draw_flow
from mkmine.report.maps import draw_map, draw_pair
from mkmine.report.target_map import draw_target
from mkmine.targets import ProcessModel

if TYPE_CHECKING:
    from mkmine.report.picture import Picture

__all__ = ["draw"]


def draw(
    value: Any,
    *,
    metric: str | None = None,
    measure: str | None = None,
    names: tuple[str, str] | None = None,
    language: str = "en",
) -> Picture:
    """Draw a result as SVG; the drawing can be saved, and knows the numbers that it shows.

    What is drawn, and the metrics that it can be drawn by, the usual one first:

    - a process map: "frequency" (measure "absolute", "case", "max"), "time" ("median", "mean", "p85", "p95", "total"),
      "cost"; two maps in a tuple side by side, called `names`;
    - a `Difference`: "frequency", "time"; a process model: as it is;
    - `FlowMetrics`: "scatter", "stages", "throughput", "ageing"; the `Causes` of waiting: as they are.

    Raises `UnknownNameError` if the metric, the measure or the language is not one of those offered, and `DataError` if
    the value is none of these, or cannot be drawn.
    """
    if isinstance(value, ProcessMap):
        return draw_map(value, metric=metric or "frequency", measure=measure, language=language)
    if isinstance(value, tuple) and len(value) == 2 and all(isinstance(one, ProcessMap) for one in value):
        return draw_pair(*value, names=names, metric=metric or "frequency", measure=measure, language=language)
    if isinstance(value, Difference):
        return draw_difference(value, metric=metric or "frequency", language=language)
    if isinstance(value, FlowMetrics):
        return draw_flow(value, metric=metric or "scatter", language=language)
    if isinstance(value, Causes):
        return draw_causes(value, language=language)
    if isinstance(value, ProcessModel):
        return draw_target(value, language=language)
    raise DataError(f"a {type(value).__name__} has no picture; see help(mkmine.draw) for what can be drawn")
