"""Errors: one family, messages for people."""

from __future__ import annotations

import pytest

from mkmine.errors import DataError, MissingExtraError, MkmineError, UnknownNameError, nearest


@pytest.mark.parametrize(
    ("kind", "builtin"), [(DataError, ValueError), (UnknownNameError, KeyError), (MissingExtraError, ImportError)]
)
def test_each_error_is_ours_and_the_builtin_one(kind: type[MkmineError], builtin: type[Exception]) -> None:
    assert issubclass(kind, MkmineError)
    assert issubclass(kind, builtin)
    assert str(kind("plain words")) == "plain words"
    assert str(kind()) == ""


def test_an_unknown_name_gets_the_nearest_one_and_its_place() -> None:
    error = UnknownNameError.of(kind="activity", name="Aproval", known=["Brief", "Approval"], where="limits")
    assert str(error) == 'unknown activity "Aproval" in limits; did you mean "Approval"?'


@pytest.mark.parametrize(
    ("name", "known", "advice"),
    [
        ("согласованее", ["Согласование", "Дизайн"], 'did you mean "Согласование"?'),
        ("DESIGNER", ["Designer", "Editor"], 'did you mean "Designer"?'),
        ("zzz", ["a", "b"], 'known: "a", "b"'),
        ("zzz", [], "none is known"),
        ("zzz", [str(n) for n in range(12)], 'known: "0", "1", "2", "3", "4", "5", "6", "7", "8", "9" and 2 more'),
    ],
)
def test_nearest(name: str, known: list[str], advice: str) -> None:
    assert nearest(name, known) == advice


def test_a_missing_package_names_the_extra_that_brings_it() -> None:
    error = MissingExtraError.of(package="pm4py", extra="peers", purpose="This comparison")
    assert str(error) == 'This comparison needs the package "pm4py"; install it with: pip install "mkmine[peers]"'
