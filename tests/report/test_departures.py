from __future__ import annotations

import re

import pytest

from mkmine.conformance import Conformance, check
from mkmine.language import translator
from mkmine.report import report
from mkmine.report.departures import added_words, by_frequency, departure_words, trend_words
from tests.conformance.models import log
from tests.conformance.test_changeover import LINE, target

RU = translator("ru")
MEANT = target(LINE, limits={"C": 0.5}, max_rounds={"B": 1}, rules=[{"precedence": ["A", "B"]}])


@pytest.fixture(scope="module")
def gap() -> Conformance:
    return check(log(["ABC"] * 30 + ["BC"] * 10 + ["ABBC"] * 10 + ["BAC"] * 10), MEANT)


def test_every_departure_has_words(gap: Conformance) -> None:
    told = {departure_words(row, RU, MEANT) for row in gap.costs.to_dict("records")}
    assert {
        "пропущено", "повторено", "не в свой черёд", "кругов больше 1", "не роль «Editor»".join(["делает ", ""]),
        "дольше 0,5\u00a0ч", "против правила: «B» выполняется только после «A»",
    } <= told  # fmt: skip


def test_the_most_frequent_come_first_and_limits_last(gap: Conformance) -> None:
    told = by_frequency(gap.costs)
    late = told["kind"].isin(["role", "rule", "rounds", "limit"])
    assert late.is_monotonic_increasing
    assert late.any()
    for part in (told[late], told[~late]):
        assert part["cases"].is_monotonic_decreasing
    assert set(map(tuple, told[["kind", "activity"]].to_numpy())) == set(
        map(tuple, gap.costs[["kind", "activity"]].to_numpy())
    )


def test_the_headline_and_the_table_agree() -> None:
    cases = ["ABC"] * 30 + ["BC"] * 10 + ["ABBC"] * 4
    made = report(log(cases), to_be=MEANT, language="en")
    never, first = next(table for table in made.tables if table.name == "deviations").rows[:2]
    assert never[:3] == ("D", "skipped (never in the log)", "44")
    assert first[:3] == ("A", "skipped", "10")
    assert "“A” is skipped in 10 cases" in made.html().replace("\u00a0", " ")


def test_noise_is_called_noise(gap: Conformance) -> None:
    rows = gap.costs.to_dict("records")
    for row in rows:
        words = added_words(row, RU, day=8.0)
        assert ("в пределах шума" in words) == (not row["supported"] and row["added_low_h"] == row["added_low_h"])
    row = {**rows[0], "trend": 0.021, "trend_low": -0.001, "trend_high": 0.043}
    assert re.search(r"\+2,1 п\. п\. в месяц \(−0,1 … \+4,3\)", trend_words(row, RU, MEANT))


def test_the_chapter_holds_the_drawing_the_steps_and_the_costs() -> None:
    cases = ["ABC"] * 30 + ["BC"] * 10 + ["ABBC"] * 10
    made = report(log(cases), to_be=MEANT, language="ru")
    names = [table.name for table in made.tables]
    assert {"changeover", "deviations", "deviations_by_month", "limits_by_role"} <= set(names)
    deviations = next(table for table in made.tables if table.name == "deviations")
    assert "не доказано" in deviations.note
    assert [view.label for figure in made.figures for view in figure.views if view.label in ("AS-IS и TO-BE", "TO-BE")]
