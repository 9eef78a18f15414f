from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from mkmine.errors import DataError
from mkmine.simulation import Experiment, Scenario, SimulationModel, experiment, sensitivity
from mkmine.simulation.experiments.chart import Bar, Row, bars

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def found(article: SimulationModel) -> Experiment:
    scenarios = [
        Scenario("one <more> writer & co").staff("Writer", 1),
        Scenario("five times as many").arrivals(factor=5),
        Scenario("the same").duration("Brief", factor=1),
    ]
    return experiment(article, scenarios, replications=4, weeks=13, warm_up_weeks=8)


def texts(svg: str) -> list[str]:
    return ["".join(one.itertext()) for one in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def test_scenarios_are_compared_in_plain_words(found: Experiment) -> None:
    table = found.compared()
    assert list(table.columns) == ["Scenario", "Now", "With it", "Verdict"]
    assert table["Verdict"][1].startswith("unstable: the queue of ")
    assert table["Verdict"][2] == "no difference"
    assert list(found.compared("wip", language="ru").columns) == ["Сценарий", "Сейчас", "Станет", "Вывод"]
    with pytest.raises(DataError, match="no answer for scenario"):
        found.compared("on_time_share")


def test_the_chart_says_what_the_answers_say(found: Experiment) -> None:
    said = texts(found.chart().svg)
    assert said[0].startswith("Cycle time, mean: now ")
    assert "one <more> writer & co" in said
    assert found.compared()["Verdict"][0] in said
    assert any(one.startswith("± or a range is the 95% interval over 4 replications, for all") for one in said)
    # An unstable scenario has words only; of the others, one bar each.
    assert len(re.findall("fill-opacity", found.chart().svg)) == 2
    assert "Время цикла, среднее: сейчас" in found.chart(language="ru").svg
    assert found.chart()._repr_html_() in found._repr_html_()


def test_ticks_are_round_in_the_unit_that_is_shown() -> None:
    one = Bar(value=-20.0, low=-30.0, high=-10.0, tone="good", text="less")
    drawn = bars("title", [Row(label="x", bars=(one,))], tick=lambda value: f"{value:g}", unit=9.0, axis="days")
    ticks = [text for text in texts(drawn.svg) if re.fullmatch(r"-?[\d.]+", text)]
    assert ticks == ["-3", "-2", "-1", "0"]
    line = next(part for part in ElementTree.fromstring(drawn.svg).iter(f"{SVG}circle"))
    place = {text.text: float(text.get("x", "0")) for text in ElementTree.fromstring(drawn.svg).iter(f"{SVG}text")}
    share = (float(line.get("cx", "0")) - place["-3"]) / (place["0"] - place["-3"])
    assert share == pytest.approx(1 - 20 / 27, abs=0.01)


def test_long_names_are_cut_and_kept_whole_in_their_title(tmp_path: Path) -> None:
    name = "x" * 100
    drawn = bars("title", [Row(label=name, bars=())], tick=str)
    assert f"<title>{name}</title>" in drawn.svg
    assert drawn.save(tmp_path / "a.svg").read_text(encoding="utf-8").startswith("<svg")
    assert drawn.save(tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(DataError, match=r'name it "a.svg"'):
        drawn.save(tmp_path / "a.pdf")


def test_a_model_alone_has_figures_and_no_answers(article: SimulationModel) -> None:
    alone = experiment(article, [], replications=3, weeks=13, warm_up_weeks=8)
    figures = alone.base_figures().set_index("kpi")
    values = alone.kpis[alone.kpis["kpi"] == "wip"]["value"]
    assert figures.loc["wip", "value"] == pytest.approx(values.mean())
    assert (figures["low"] <= figures["high"])[["wip", "cycle_mean_h"]].all()
    assert "wip" in alone._repr_html_()
    assert texts(alone.chart().svg)[0] == "Cycle time, mean"


def test_the_tornado_names_inputs_and_settings(article: SimulationModel) -> None:
    found = sensitivity(article, kinds=["staff", "rework"], replications=3, weeks=13, warm_up_weeks=8)
    said = texts(found.chart(language="ru").svg)
    assert "люди: Writer" in said
    assert "возвраты после: Approval" in said
    assert any(one.startswith("+1: ") for one in said)
    assert any(one.startswith("\u221220") for one in said)
    assert found.chart().svg in found._repr_html_()


def test_names_that_no_svg_can_hold_are_shown_all_the_same() -> None:
    name = "<b>\x1b[31m\x00\x0b\ufffe\u202e\ud83d &\"'"
    drawn = bars(name, [Row(label=name, bars=()), Row(label=name * 9, bars=())], tick=str)
    assert texts(drawn.svg)[0].startswith("<b> [31m")
    assert not set(drawn.svg) & set("\x1b\x00\x0b\ufffe\u202e\ud83d")
