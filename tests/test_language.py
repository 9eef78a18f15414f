"""Russian sentences end in one full stop, also after an abbreviation."""

from __future__ import annotations

from mkmine.language import column_unit, translator


def test_an_abbreviation_at_the_end_of_a_sentence_brings_no_second_stop() -> None:
    t = translator("ru")
    said = t("Cycle time: median {median}, 85th percentile {p85}.", median=t.hours(40), p85=t.hours(80))
    assert said.endswith("10,0\u00a0раб.\u00a0дн.")
    assert not said.endswith("..")


def test_an_ellipsis_stays() -> None:
    assert translator("ru")("{name}: rework × {factor}", name="дн...", factor=1).startswith("дн...")


def test_the_figures_of_a_column_share_a_unit_that_shows_the_smallest() -> None:
    en = translator("en")
    assert column_unit([16.0, 4.0, float("nan")], en, day=8.0).write(4.0, en) == "0.5\u00a0working days"
    assert column_unit([80.0, 0.3], en, day=8.0).write(80.0, en) == "80.0\u00a0h"
    assert column_unit([], en, day=8.0).name == "min"
