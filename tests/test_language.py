"""Russian sentences end in one full stop, also after an abbreviation."""

from __future__ import annotations

from mkmine.language import translator


def test_an_abbreviation_at_the_end_of_a_sentence_brings_no_second_stop() -> None:
    t = translator("ru")
    said = t("Cycle time: median {median}, 85th percentile {p85}.", median=t.hours(40), p85=t.hours(80))
    assert said.endswith("10,0\u00a0раб.\u00a0дн.")
    assert not said.endswith("..")


def test_an_ellipsis_stays() -> None:
    assert translator("ru")("{name}: rework × {factor}", name="дн...", factor=1).startswith("дн...")
