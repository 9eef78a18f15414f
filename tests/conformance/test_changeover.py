from __future__ import annotations

import json

import pytest

from mkmine.conformance.changeover import changeover
from mkmine.targets import ProcessCard, Target
from tests.conformance.models import log, model


def target(flows: str, **values: object) -> Target:
    card = ProcessCard.model_validate({"process": "P", "owner": "Head", **values})
    drawn = model(flows, lanes={"A": "role A", "B": "Editor", "C": "role C"})
    return Target(model=drawn, card=card)


LINE = "s>A A>B B>C C>D D>e"


def test_steps_are_added_removed_changed_and_deviating() -> None:
    cases = ["ABZC"] * 10 + ["BC"] * 2
    found = changeover(log(cases), target(LINE, limits={"C": 0.5}, documents={"A": ["Form"]}))
    steps = found.steps.set_index("activity")
    assert found.order == ("A", "B", "Z", "C", "D")
    assert steps["status"].to_dict() == {
        "A": "deviating", "B": "changed", "Z": "removed", "C": "changed", "D": "added",
    }  # fmt: skip
    assert steps.loc["A", ["departure", "departing"]].tolist() == ["skipped", pytest.approx(2 / 12)]
    # B is done by another role than the lane names, C takes longer than its limit.
    assert (steps.loc["B", "changes"], steps.loc["C", "changes"]) == (("role",), ("time",))
    assert steps.loc["B", ["role", "role_to_be"]].tolist() == ["role B", "Editor"]
    assert steps.loc["C", ["time_h", "limit_h", "over_limit"]].tolist() == [1.0, 0.5, 1.0]
    assert steps.loc["A", "documents"] == ("Form",)
    assert steps.loc["B", ["hand_offs", "hand_offs_to_be"]].tolist() == [1.0, 1.0]
    assert steps.loc["D", "cases"] == 0


def test_paths_are_allowed_new_gone_or_not_allowed() -> None:
    found = changeover(log(["ABZC"] * 10 + ["BC"] * 2), target(LINE)).paths
    status = {(row["source"], row["target"]): row["status"] for row in found.to_dict("records")}
    assert status == {
        ("", "A"): "same", ("A", "B"): "same", ("B", "C"): "same", ("B", "Z"): "removed", ("Z", "C"): "removed",
        ("", "B"): "deviating", ("C", ""): "deviating", ("C", "D"): "added", ("D", ""): "added",
    }  # fmt: skip
    row = found[(found["source"] == "B") & (found["target"] == "C")].iloc[0]
    assert (row["cases"], row["share_of_cases"]) == (2, pytest.approx(2 / 12))


def test_what_may_be_done_side_by_side_is_allowed_though_not_drawn() -> None:
    parallel = "s>p1 p1>A p1>B A>p2 B>p2 p2>C C>e"
    found = changeover(log(["ABC", "BAC"]), target(parallel)).paths.set_index(["source", "target"])
    assert found.loc[("A", "B"), ["status", "drawn"]].tolist() == ["same", False]
    assert set(found["status"]) == {"same"}


def test_a_model_too_large_to_list_goes_by_what_cases_keep_to() -> None:
    side = "ABCDEFGHIJKLMNO"
    flows = " ".join(["s>p1", *(f"p1>{one} {one}>p2" for one in side), "p2>Z Z>e"])
    found = changeover(log([side + "Z"] * 3 + ["Z" + side]), target(flows)).paths.set_index(["source", "target"])
    # Nobody can do Z first; that B follows A is allowed, though not drawn.
    assert found.loc[("A", "B"), ["status", "drawn"]].tolist() == ["same", False]
    assert found.loc[("", "Z"), "status"] == "deviating"
    assert found.loc[("Z", ""), "status"] == "same"


def test_aliases_and_a_simulated_to_be() -> None:
    meant = target("s>A A>B B>C C>e", aliases={"Б": "B"})
    found = changeover(log(["ABC"] * 3, names={"B": "Б"}), meant, simulated=log(["ABC", "ABBC"], hours=0.5))
    assert set(found.steps["status"]) == {"same", "changed"}
    row = found.steps.set_index("activity").loc["B"]
    assert row[["time_h", "time_h_simulated", "per_case", "per_case_simulated"]].tolist() == [1.0, 0.5, 1.0, 1.5]
    assert found.n_simulated == 2
    json.dumps(found.to_dict(), allow_nan=False)


def test_costs_follow_rates_and_the_text_tells_what_changes() -> None:
    found = changeover(log(["ABC"] * 3), target("s>A A>B B>C C>e"), rates={"role A": 50.0})
    assert found.steps.set_index("activity").loc["A", "cost"] == 50.0
    assert "steps changed: B" in repr(found)
    assert "Changeover" in found._repr_html_()
