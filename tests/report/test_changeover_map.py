from __future__ import annotations

from xml.etree import ElementTree

import pytest

from mkmine.conformance.changeover import Changeover, changeover
from mkmine.errors import UnknownNameError
from mkmine.report import draw
from tests.conformance.models import log
from tests.conformance.test_changeover import LINE, target

SVG = "{http://www.w3.org/2000/svg}"
NAME = "Z <b>&"


@pytest.fixture
def found() -> Changeover:
    cases = ["ABZC"] * 60 + ["BC"] * 20 + ["CAB"]
    return changeover(log(cases, names={"Z": NAME}), target(LINE, limits={"C": 0.5}))


def test_every_status_has_its_own_fill_line_and_sign(found: Changeover) -> None:
    svg = ElementTree.fromstring(draw(found).svg)
    looks = {}
    for group in svg.iter(SVG + "g"):
        status = group.get("class", "").rpartition(" mk-")[2]
        if group.get("data-name"):
            rect = next(group.iter(SVG + "rect"))
            sign = [path.get("d") for path in group.iter(SVG + "path")]
            looks[status] = (rect.get("fill"), rect.get("stroke-dasharray"), *sign)
    assert set(looks) == {"deviating", "changed", "removed", "added"}
    assert len({fill for fill, *_ in looks.values()}) == len({sign for *_, sign in looks.values()}) == 4
    # Lines differ where colours cannot be seen, too.
    dashes = {
        kind: next(group.iter(SVG + "path")).get("stroke-dasharray")
        for group in svg.iter(SVG + "g")
        if (kind := group.get("class", "").rpartition(" mk-")[2]) in ("flow", "added", "removed", "deviating")
        and group.get("data-source")
    }
    assert len(set(dashes.values())) == len(dashes) == 4


def test_it_describes_itself_and_escapes_names(found: Changeover) -> None:
    picture = draw(found, language="ru")
    assert "<b>" not in picture.svg
    assert picture.title == "AS-IS и TO-BE на одном рисунке"
    description = ElementTree.fromstring(picture.svg).findtext(SVG + "desc") or ""
    assert "новый в TO-BE: D" in description
    assert draw(found, language="ru").svg == picture.svg
    with pytest.raises(UnknownNameError):
        draw(found, language="xx")


def test_rare_paths_are_left_out_and_the_key_says_so(found: Changeover) -> None:
    svg = draw(found).svg
    assert 'data-source="C" data-target="A"' not in svg
    assert f"of {len(found.paths)} paths" in svg


def test_a_simulated_to_be_stands_beside_today() -> None:
    cases = ["ABC"] * 30
    change = changeover(log(cases), target(LINE), simulated=log(cases, hours=[2.0] * 30))
    text = " ".join(ElementTree.fromstring(draw(change, language="ru").svg).itertext())
    assert " › " in text
    assert "время: сейчас › TO-BE в модели" in text
