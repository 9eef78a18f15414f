"""One verb for every picture: `draw(value)` chooses by what it is given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from mkmine.conformance.changeover import Changeover
from mkmine.discovery import Contrast, Difference, Drift, Organisation, ProcessMap, Rework, Variants
from mkmine.errors import DataError, UnknownNameError
from mkmine.performance import Availability, Causes, FlowMetrics, Forecast, Kpis
from mkmine.report import discovery_charts
from mkmine.report.causes import draw_causes
from mkmine.report.changeover_map import draw_changeover
from mkmine.report.difference_map import draw_difference
from mkmine.report.flow_charts import draw_flow
from mkmine.report.forecast_chart import draw_forecast
from mkmine.report.group_charts import draw_availability, draw_contrast
from mkmine.report.kpi_chart import draw_kpis
from mkmine.report.maps import draw_map, draw_pair
from mkmine.report.picture import Picture
from mkmine.report.target_map import draw_target
from mkmine.targets import ProcessModel

__all__ = ["draw"]

# What has charts: the metrics, the usual one first, and who draws them.
_CHARTS: Final[dict[type, tuple[tuple[str, ...], Callable[..., Picture]]]] = {
    Organisation: (("departments", "hand_overs", "workload"), discovery_charts.draw_organisation),
    Rework: (("yield", "rounds"), discovery_charts.draw_rework),
}
_ONE_CHART: Final[dict[type, Callable[..., Picture]]] = {
    Changeover: draw_changeover,
    Availability: draw_availability,
    Contrast: draw_contrast,
    Drift: discovery_charts.draw_drift,
    Forecast: draw_forecast,
    Variants: discovery_charts.draw_variants,
}


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
    - a `Difference`: "frequency", "time"; a process model, a `Changeover`, the `Causes` of waiting, `Drift`,
      `Forecast`, `Variants`: as they are;
    - `Kpis` by segment or period: the name of a figure;
    - `FlowMetrics`: "scatter", "histogram", "stages", "throughput", "ageing";
    - an `Organisation`: "departments", "hand_overs", "workload"; `Rework`: "yield", "rounds".

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
    if isinstance(value, Kpis):
        return draw_kpis(value, metric, language=language)
    if isinstance(value, Causes):
        return draw_causes(value, language=language)
    if isinstance(value, ProcessModel):
        return draw_target(value, language=language, meant=False)
    if type(value) in _ONE_CHART:
        return _ONE_CHART[type(value)](value, language=language)
    if type(value) in _CHARTS:
        known, chart = _CHARTS[type(value)]
        if metric is not None and metric not in known:
            raise UnknownNameError.of(kind=f"chart of {type(value).__name__}", name=metric, known=known)
        return chart(value, metric or known[0], language=language)
    raise DataError(f"a {type(value).__name__} has no picture; see help(mkmine.draw) for what can be drawn")
