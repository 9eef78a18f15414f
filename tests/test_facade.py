"""The verbs of `import mkmine as mk`: all there, typed, documented, and lazily loaded."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest

import mkmine as mk

VERBS = (
    "backtest", "calibrate", "check", "diagnose", "discover", "draw", "experiment", "read", "read_target",
    "report", "simulate", "variants",
)  # fmt: skip
TYPES = ("Calendar", "EventLog", "Scenario")


@pytest.mark.parametrize("name", VERBS)
def test_verb_is_callable_documented_and_typed(name: str) -> None:
    verb = getattr(mk, name)
    assert callable(verb)
    assert inspect.getdoc(verb)
    hints = inspect.signature(verb)
    assert hints.return_annotation is not inspect.Signature.empty
    assert all(p.annotation is not inspect.Parameter.empty for p in hints.parameters.values())


@pytest.mark.parametrize("name", TYPES)
def test_type_is_a_class(name: str) -> None:
    assert inspect.isclass(getattr(mk, name))


def test_all_names_what_there_is() -> None:
    assert set(VERBS) | set(TYPES) <= set(mk.__all__)
    assert set(mk.__all__) <= set(dir(mk))
    for name in mk.__all__:
        assert getattr(mk, name) is not None


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="discovr"):
        mk.discovr  # noqa: B018


@pytest.mark.parametrize("verb", ["discover", "diagnose", "calibrate", "experiment", "report"])
def test_a_misspelt_keyword_is_a_type_error(verb: str) -> None:
    with pytest.raises(TypeError):
        getattr(mk, verb)(None, replicatons=3)


@pytest.mark.parametrize("first", ["mk.draw", "mk.Report", "import mkmine.report", "from mkmine.report import Report"])
def test_report_stays_the_verb_whatever_is_loaded_first(first: str) -> None:
    """The room `mkmine.report` has the name of the verb; importing it must not shadow the verb."""
    code = f"import mkmine as mk\n{first}\nassert callable(mk.report), mk.report"
    subprocess.run([sys.executable, "-c", code], check=True)
