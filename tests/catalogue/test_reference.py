"""Every process of the catalogue runs, is stable, keeps to its TO-BE as intended, and reproduces what is published."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import combinations

import numpy as np
import pytest

from mkmine.catalogue import Reference, entries, load, truth
from mkmine.catalogue.blueprint import KEYS, blueprint, published, russian
from mkmine.catalogue.comparison import measured
from mkmine.catalogue.fit import fitted_wait
from mkmine.catalogue.reference import assembled
from mkmine.catalogue.world import returns
from mkmine.conformance import check
from mkmine.errors import DataError, UnknownNameError
from mkmine.eventlog import EventLog
from mkmine.simulation.engine import simulate
from mkmine.targets import Target

ALL = [(key, variant) for key in KEYS for variant in ("", *blueprint(key)["variants"])]
# By how much a simulated mean may miss a published one: what a variant changes in the queues, and chance.
DAYS, ROUNDS, SHARE = 0.10, 0.15, 0.03


@cache
def run(key: str, variant: str = "") -> tuple[Reference, EventLog]:
    """One run of a process: 3,000 cases are enough for shares within 3 points."""
    reference = load(key, variants=variant or ())
    return reference, simulate(reference.world, seed=3, cases=3000)


@pytest.mark.parametrize("key", KEYS)
def test_both_engines_give_the_same_log(key: str) -> None:
    world = load(key).world
    plain, compiled = (simulate(world, seed=5, cases=60, engine=engine) for engine in ("simpy", "kernel"))
    assert np.array_equal(plain.start, compiled.start)
    assert np.array_equal(plain.activity, compiled.activity)


@pytest.mark.parametrize(("key", "variant"), ALL)
def test_nobody_has_more_work_than_hours(key: str, variant: str) -> None:
    reference, log = run(key, variant)
    # The last cases come to an end when no new ones come; they are no part of an ordinary week.
    window = int(log.start.min()), int(np.quantile(log.start, 0.95))
    assert float(truth.capacities(reference.world, log, window)["utilisation"].max()) < 0.95


@pytest.mark.parametrize(("key", "variant"), ALL)
def test_the_log_departs_from_the_to_be_only_as_intended(key: str, variant: str) -> None:
    reference = load(key, variants=variant or ())
    log = simulate(reference.world, seed=1, cases=400)
    found = check(log, reference.target)
    meant = reference.parameters.query("parameter == 'skipped'").set_index("of")["value"]
    assert set(found.deviations["activity"]) <= set(meant.index)
    assert set(found.deviations["kind"]) <= {"skipped"}
    for row in found.deviations.to_dict("records"):
        assert row["share_of_cases"] == pytest.approx(meant[row["activity"]], abs=0.05)
    assert found.roles.empty
    assert not found.only_in_log
    assert not found.only_in_target
    assert not reference.target.gaps


def test_a_world_without_intended_deviations_fits_wholly() -> None:
    values = blueprint("article")
    values["world"]["skipped"] = {}
    reference = assembled(values, name="article")
    assert check(simulate(reference.world, seed=1, cases=300), reference.target).fitness == 1


def claims(figure: str) -> list[tuple[str, str]]:
    """The processes and variants that say they reproduce a figure."""
    return [(key, variant) for key, variant in ALL if figure in load(key, variants=variant or ()).figures]


@pytest.mark.parametrize(("key", "variant"), claims("approval_days"))
def test_approval_takes_the_published_days_and_versions(key: str, variant: str) -> None:
    reference, log = run(key, variant)
    figures = published()["figures"]
    days, _ = measured(log, "approval_days", reference.figures["approval_days"])
    assert days.mean() == pytest.approx(figures["approval_days"]["mean"], rel=DAYS)
    versions, _ = measured(log, "approval_versions", reference.figures["approval_versions"])
    assert figures["approval_versions"]["low"] <= versions.mean() <= figures["approval_versions"]["high"]


@pytest.mark.parametrize(("key", "variant"), claims("review_rounds"))
def test_heavy_rounds_have_the_published_shares(key: str, variant: str) -> None:
    reference, log = run(key, variant)
    rounds, _ = measured(log, "review_rounds", reference.figures["review_rounds"])
    for least, share in published()["figures"]["review_rounds"]["at_least"].items():
        assert float(np.mean(rounds >= least)) == pytest.approx(share, abs=SHARE)


def test_e_mails_take_as_long_as_published() -> None:
    reference, log = run("email")
    days, _ = measured(log, "email_days", reference.figures["email_days"])
    for over, share in published()["figures"]["email_days"]["over"].items():
        assert float(np.mean(days > over)) == pytest.approx(share, abs=SHARE)
    # Nothing was fitted to this one: how far the world is off where it was not told.
    over, share = next(iter(published()["figures"]["email_two_weeks"]["over"].items()))
    assert float(np.mean(days > over)) == pytest.approx(share, abs=0.06)


def test_the_fit_is_found_again() -> None:
    stated = load("press").parameters.query("parameter == 'outside wait, mean' and basis == 'fitted'")["value"]
    assert fitted_wait("press") == pytest.approx(float(stated.iloc[0]), abs=0.1)


def test_every_process_says_that_it_reproduces_a_figure() -> None:
    assert {key for figure in published()["figures"] for key, _ in claims(figure)} == set(KEYS)


def test_returns_follow_from_what_is_published() -> None:
    light = returns("light")
    assert 1 / (1 - light[0]) == pytest.approx((3.2 + 3.7) / 2, abs=0.001)
    heavy = returns("heavy")
    reached = np.cumprod([1.0, *heavy])
    assert [round(float(reached[n - 1]), 2) for n in (3, 5, 10)] == [0.93, 0.58, 0.14]


@pytest.mark.parametrize(("key", "variant"), ALL)
def test_every_number_has_a_unit_and_a_source_or_is_called_an_assumption(key: str, variant: str) -> None:
    reference = load(key, variants=variant or ())
    table = reference.parameters
    assert set(table["source"]) <= {*published()["sources"], "assumption"}
    assert (table["unit"] != "").all()
    fitted = table[table["basis"] != "assumption"]
    assert ((fitted["figure"] != "") & (fitted["source"] != "assumption")).all()
    # What is called fitted is reproduced, and by this very variant.
    assert set(fitted.query("basis == 'fitted'")["figure"]) <= set(reference.figures)
    assert set(reference.sources) == set(published()["sources"]) & {
        *table["source"], *(published()["figures"][one]["source"] for one in reference.figures)
    }  # fmt: skip


def test_a_number_that_a_variant_sets_is_no_longer_the_published_one() -> None:
    def hours(variants: Sequence[str]) -> tuple[float, str]:
        rows = load("email", variants=variants).parameters.query("of == 'Design' and round == 1")
        return float(rows["value"].iloc[0]), str(rows["basis"].iloc[0])

    assert hours([]) == (4.1, "published")
    assert hours(["agency"]) == (12, "assumption")


def texts(reference: Reference) -> Iterator[str]:
    target: Target = reference.target
    assert target.card is not None
    yield from (reference.name, reference.what, *reference.choices.values(), *target.model.lanes)
    yield from (node.name for node in target.model.nodes)
    yield from (flow.name for flow in target.model.flows)
    yield from (str(value) for value in target.card.to_pandas()["value"])
    yield from (person.name for person in reference.world.people)


@pytest.mark.parametrize(("key", "variant"), ALL)
def test_russian_says_the_same_in_russian(key: str, variant: str) -> None:
    english, other = (load(key, variants=variant or (), language=language) for language in ("en", "ru"))
    known = {"SEO", "SMM", "PR", "e", "mail", "E", "h", "is", "done", "times"}
    for text in texts(other):
        if re.search("[а-яё]", text, re.IGNORECASE):
            foreign = set(re.findall("[A-Za-z]+", text)) - known
            assert not foreign or "only after" in text or "nobody" in text or "before" in text or "after" in text, text
        else:
            assert not re.search("[a-z]{4,}", text), text
    assert len(other.target.activities) == len(english.target.activities)
    numbers = ["parameter", "round", "value", "unit", "source", "basis", "figure"]
    stripped = [one.parameters[numbers].drop(columns="parameter") for one in (english, other)]
    assert stripped[0].equals(stripped[1])


def test_every_translation_is_used() -> None:
    import yaml

    from mkmine.catalogue.blueprint import _FOLDER

    said: set[str] = set()

    def collect(value: object) -> None:
        if isinstance(value, dict):
            for key, one in value.items():
                said.add(str(key))
                collect(one)
        elif isinstance(value, list):
            for one in value:
                collect(one)
        else:
            said.add(str(value))

    for path in _FOLDER.glob("*.yaml"):
        if path.name != "russian.yaml":
            collect(yaml.safe_load(path.read_text(encoding="utf-8")))
    assert not set(russian()) - said


def test_variants_change_what_they_say() -> None:
    assert "Design" not in load("article", variants="no-designer").target.activities
    assert "Designer" not in load("article", variants="three-in-one").world.roles
    seo = load("article", variants="seo").target
    assert seo.activities.index("Keywords") == seo.activities.index("Brief") + 1
    agency = load("article", variants="agency")
    assert agency.target.roles["Text"] == "Agency"
    assert agency.world.activities["Text"].role is None
    both = load("article", variants=["heavy", "no-designer"])
    assert "Design" not in both.target.activities
    assert both.world.activities["Approval of the text"].next[0][0].probability == pytest.approx(returns("heavy")[0])


PAIRS = [(key, *pair) for key in KEYS for pair in combinations(blueprint(key)["variants"], 2)]


def excluded(key: str, first: str, second: str) -> bool:
    known = blueprint(key)["variants"]
    return first in known[second].get("excludes", []) or second in known[first].get("excludes", [])


@pytest.mark.parametrize(("key", "first", "second"), [pair for pair in PAIRS if not excluded(*pair)])
def test_pairs_of_variants_work(key: str, first: str, second: str) -> None:
    for variants in ([first, second], [second, first]):
        reference = load(key, variants=variants)
        assert simulate(reference.world, seed=1, cases=20).n_cases == 20


@pytest.mark.parametrize(("key", "first", "second"), [pair for pair in PAIRS if excluded(*pair)])
def test_pairs_of_variants_that_contradict_each_other_are_refused(key: str, first: str, second: str) -> None:
    for variants in ([first, second], [second, first]):
        with pytest.raises(DataError, match="exclude each other"):
            load(key, variants=variants)


def test_what_is_not_there_is_named_with_what_is_near() -> None:
    with pytest.raises(UnknownNameError, match='did you mean "email"'):
        load("emial")
    with pytest.raises(UnknownNameError, match="unknown process"):
        load("../article")
    with pytest.raises(UnknownNameError, match='unknown variant "hevy" in "article"; did you mean "heavy"'):
        load("article", variants=["hevy"])
    with pytest.raises(DataError, match="named twice"):
        load("article", variants=["heavy", "heavy"])
    with pytest.raises(DataError, match='"three-in-one" and "agency" of "email" exclude each other'):
        load("email", variants=["three-in-one", "agency"])


def test_the_last_step_is_never_sent_back() -> None:
    """A tracker keeps the last step as the moment of closing, which happens once."""
    for key, variant in ALL:
        world = load(key, variants=variant or ()).world
        last = list(world.activities)[-1]
        assert [route.to for routes in world.activities[last].next for route in routes] == [None]


def test_entries_print_and_convert() -> None:
    found = entries(language="ru")
    assert [one.key for one in found] == list(KEYS)
    for one in found:
        assert one.name in repr(one)
        assert one.to_dict()["parameters"]
        assert "<table" in one._repr_html_()
        assert len(one.to_pandas()) == len(one.parameters)


@pytest.mark.parametrize(("key", "variant"), ALL)
def test_what_is_sent_back_is_sent_to_somebody_who_mends_it(key: str, variant: str) -> None:
    """A step that checks and is its own next step would check the same thing again; a tracker cannot record it."""
    world = load(key, variants=variant or ()).world
    for name, activity in world.activities.items():
        assert all(route.to != name for ways in activity.next for route in ways), name


def test_a_language_that_there_is_not() -> None:
    with pytest.raises(UnknownNameError, match='unknown language "de"'):
        load("press", language="de")  # type: ignore[arg-type]
