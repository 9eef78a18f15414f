from __future__ import annotations

from typing import Any

import pytest

from mkmine.language import translator
from mkmine.simulation.experiments.answers import Strain
from mkmine.simulation.experiments.wording import (
    kpi_changes,
    kpi_name,
    kpi_range,
    kpi_value,
    verdict_sentence,
    verdict_text,
)

EN, RU = translator("en"), translator("ru")


def row(key: str, base: float, difference: float, half: float, verdict: str) -> dict[str, Any]:
    return {
        "scenario": "x",
        "kpi": key,
        "base": base,
        "value": base + difference,
        "difference": difference,
        "low": difference - half,
        "high": difference + half,
        "relative": difference / base if base else float("nan"),
        "verdict": verdict,
    }


def plain(text: str) -> str:
    return text.replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("given", "english", "russian"),
    [
        (
            row("cycle_mean_h", 92, -16.8, 3.2, "better"),
            "cycle time, mean: shorter by 2.1 ± 0.4 working days (11.5 → 9.4 working days, \u221218%)",
            "время цикла, среднее: короче на 2,1 ± 0,4 раб. дн. (11,5 → 9,4 раб. дн., \u221218 %)",
        ),
        (
            row("cycle_p85_h", 6, 0.5, 0.031, "worse"),
            "cycle time, 85th percentile: longer by 0.50 ± 0.03 h (6.0 → 6.5 h, +8.3%)",
            "время цикла, 85-й перцентиль: дольше на 0,50 ± 0,03 ч (6,0 → 6,5 ч, +8,3 %)",
        ),
        (
            row("on_time_share", 0.5, 0.1, 0.02, "better"),
            "share of cases on time: higher by 10.0 ± 2.0 pp (50% → 60%, +20%)",
            "доля экземпляров в срок: выше на 10,0 ± 2,0 п. п. (50 % → 60 %, +20 %)",
        ),
        (
            row("throughput_per_week", 8, -0.5, 0.25, "worse"),
            "throughput, cases per week: lower by 0.5 ± 0.2 (8.00 → 7.50, \u22126.2%)",
            "пропускная способность, экземпляров в неделю: ниже на 0,5 ± 0,2 (8,00 → 7,50, \u22126,2 %)",
        ),
        (
            row("cycle_mean_h", 92, -0.8, 3.2, "noise"),
            "cycle time, mean: within noise (\u22120.1 ± 0.4 working days)",
            "время цикла, среднее: в пределах шума (\u22120,1 ± 0,4 раб. дн.)",
        ),
        (
            row("cycle_mean_h", 92, 0, 0, "noise"),
            "cycle time, mean: no difference (11.5 → 11.5 working days)",
            "время цикла, среднее: без разницы (11,5 → 11,5 раб. дн.)",
        ),
        (
            row("cycle_mean_h", 92, 0.4, 0.1, "negligible"),
            "cycle time, mean: too small to matter (11.5 → 11.6 working days, +0.4%)",
            "время цикла, среднее: слишком мало, чтобы иметь значение (11,5 → 11,6 раб. дн., +0,4 %)",
        ),
    ],
    ids=lambda value: value["verdict"] if isinstance(value, dict) else "",
)
def test_an_answer_is_a_plain_sentence(given: dict[str, Any], english: str, russian: str) -> None:
    assert plain(verdict_sentence(given, EN)) == english
    assert plain(verdict_sentence(given, RU)) == russian


def test_an_endless_queue_is_named() -> None:
    given = row("cycle_mean_h", 92, 400, 3.2, "unstable")
    strain = Strain(role="Дизайнер", per_week=3.21, load=1.1)
    assert verdict_text(given, EN, strain=strain) == "unstable: the queue of Дизайнер grows by 3.2 a week"
    assert verdict_sentence(given, RU, strain=strain) == (
        "неустойчиво: очередь роли «Дизайнер» растёт на 3,2 в неделю; чисел назвать нельзя"
    )
    nowhere = Strain(role=None, per_week=float("nan"), load=float("nan"))
    assert verdict_text(given, EN, strain=nowhere) == "unstable: work piles up"
    assert verdict_text(given, EN) == "unstable: the queue grows without end"


def test_people_of_one_side_only() -> None:
    given = row("person:Ann", float("nan"), float("nan"), float("nan"), "unpaired")
    given["value"] = 0.4
    assert plain(verdict_sentence(given, EN)) == "utilisation: Ann: on one side only (— → 40%)"


def test_figures_are_written_in_their_units() -> None:
    assert plain(kpi_value("cycle_p95_h", 40, EN)) == "5.0 working days"
    assert kpi_value("person:Ann", 0.4, EN) == kpi_value("on_time_share", 0.4, EN) == "40%"
    assert kpi_value("cost_per_case", 12_345.6, EN) == "12,346"
    assert kpi_value("wip", 3.456, RU) == "3,46"
    assert plain(kpi_range("cycle_mean_h", 8, 40, EN)) == "1.0 – 5.0 working days"
    assert kpi_range("wip", 1, 2, EN) == "1.00 – 2.00"
    assert kpi_changes("on_time_share", [0.1, -0.05], EN) == (["+10.0", "\u22125.0"], "\u00a0pp")
    assert kpi_changes("wip", [12.0, -0.5], EN) == (["+12.0", "\u22120.5"], "")


@pytest.mark.parametrize("language", [EN, RU], ids=["en", "ru"])
def test_every_figure_has_a_name(language: Any) -> None:
    from mkmine.simulation.experiments.kpis import names

    assert all(kpi_name(key, language) != key for key in names())
    assert len({kpi_name(key, language) for key in names()}) == len(names())
    assert "Ann" in kpi_name("person:Ann", language)


def test_what_widens_an_interval_is_said() -> None:
    given = row("cycle_mean_h", 92, -16.8, 7.2, "better") | {"parameters": 5.6, "simulation": 4.5}
    assert plain(verdict_sentence(given, EN)).endswith("\u221218%); of this ± 0.7 because there is little data")
    assert plain(verdict_sentence(given, RU)).endswith("\u221218 %); из них ± 0,7 — из-за нехватки данных")
    # Little of it is not said.
    assert "data" not in verdict_sentence(given | {"parameters": 2.0}, EN)


def test_what_depends_on_the_reading_of_the_waiting_is_said() -> None:
    given = row("cycle_mean_h", 92, -16.8, 14, "better") | {"parameters": 14, "least": -24.0, "most": -4.0}
    assert plain(verdict_sentence(given, EN)).endswith(
        "; between \u22123.0 and \u22120.5 working days, depending on how much of the waiting is queueing: the log "
        "cannot tell"
    )
    nothing = given | {"most": 0.4, "verdict": "noise"}
    assert plain(verdict_sentence(nothing, EN)).endswith("the log cannot tell, and it may be nothing")
    assert plain(verdict_sentence(nothing, RU)).endswith("по журналу этого не сказать, и разницы может не быть")


def test_an_uneven_interval_is_written_out() -> None:
    given = row("cycle_mean_h", 92, -16.8, 4, "better") | {"low": -40.0}
    assert "shorter by 2.1 (1.6 – 5.0) working days" in plain(verdict_sentence(given, EN))
    noise = given | {"low": -60.0, "high": 4.0, "verdict": "noise"}
    assert plain(verdict_sentence(noise, EN)) == ("cycle time, mean: within noise (\u22127.5 – +0.5 working days)")


def test_what_all_but_makes_an_interval_is_not_called_a_part_of_it() -> None:
    given = row("cycle_mean_h", 92, -16.8, 7.2, "better") | {"parameters": 7.0}
    assert verdict_sentence(given, EN).endswith("; nearly all of this doubt because there is little data")
    told = verdict_sentence(given | {"assumed": True}, EN)
    assert told.endswith("nearly all of this doubt because of what is assumed or hardly known")
