"""A tracker's workflow as a process model: tables, Jira's and Redmine's JSON, and what is no workflow."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mkmine.conformance.net import compile_net
from mkmine.errors import DataError, UnknownNameError
from mkmine.targets import ProcessModel, read_bpmn, read_outline, read_workflow, write_bpmn, write_outline

TABLE = "from,to\n,New\nNew,In progress\nIn progress,Review\nReview,In progress\nReview,Done\nDone,In progress\n"


def written(path: Path, text: Any) -> Path:
    path.write_text(text if isinstance(text, str) else json.dumps(text), encoding="utf-8")
    return path


def steps(model: ProcessModel) -> set[tuple[str, str]]:
    """Which activity may follow which, through gateways; the start and the end have no name."""
    out = set()
    for node in model.nodes:
        if node.kind in ("exclusive", "end"):
            continue
        seen, todo = set(), [flow.target for flow in model.outgoing[node.id]]
        while todo:
            there = model.by_id[todo.pop()]
            if there.kind != "exclusive":
                out.add((node.name, there.name))
            elif there.id not in seen:
                seen.add(there.id)
                todo += [flow.target for flow in model.outgoing[there.id]]
    return out


ALLOWED = {
    ("", "New"), ("New", "In progress"), ("In progress", "Review"), ("Review", "In progress"), ("Review", ""),
}  # fmt: skip


def test_a_table_of_allowed_changes(tmp_path: Path) -> None:
    model = read_workflow(written(tmp_path / "flow.csv", TABLE), done=["Done"])
    assert steps(model) == ALLOWED
    assert compile_net(model).n_states == 4
    semicolons = written(tmp_path / "redmine.csv", TABLE.replace(",", ";").replace("from;to", "old_status;new_status"))
    assert steps(read_workflow(semicolons, done=["Done"])) == ALLOWED


def test_it_is_kept_as_a_to_be(tmp_path: Path) -> None:
    model = read_workflow(written(tmp_path / "flow.csv", TABLE), done=["Done"])
    assert steps(read_bpmn(write_bpmn(model, tmp_path / "flow.bpmn"))) == ALLOWED
    assert steps(read_outline(write_outline(model, tmp_path / "flow.yaml"))) == ALLOWED


def test_statuses_are_called_as_in_the_log(tmp_path: Path) -> None:
    called = {"New": None, "In progress": "Writing", "Review": "Writing"}
    model = read_workflow(written(tmp_path / "flow.csv", TABLE), done=["Done"], activities=called)
    assert steps(model) == {("", "Writing"), ("Writing", "")} | {("Writing", "Writing")}


def test_workflows_of_jira(tmp_path: Path) -> None:
    statuses = [{"id": str(n), "name": name} for n, name in enumerate(("New", "In progress", "Review", "Done"))]
    changes = [([], "0", "initial"), (["0"], "1", "directed"), (["1"], "2", "directed"), (["2", "3"], "1", "directed")]
    old = {
        "values": [
            {
                "id": {"name": "Editorial"},
                "statuses": statuses,
                "transitions": [
                    {"name": "go", "from": a, "to": b, "type": c} for a, b, c in [*changes, (["2"], "3", "directed")]
                ],
            }
        ]
    }
    model = read_workflow(written(tmp_path / "old.json", old), done=["Done"])
    assert steps(model) == ALLOWED
    assert model.name == "Editorial"
    links = [
        {"type": kind.upper(), "toStatusReference": b, "links": [{"fromStatusReference": one} for one in a]}
        for a, b, kind in changes
    ]
    new = {
        "statuses": [
            {
                "statusReference": one["id"],
                "name": one["name"],
                "statusCategory": "DONE" if one["id"] == "3" else "TODO",
            }
            for one in statuses
        ],
        "workflows": [
            {
                "name": "Editorial",
                "statuses": [{"statusReference": one["id"]} for one in statuses],
                "transitions": [*links, {"type": "GLOBAL", "toStatusReference": "3", "links": []}],
            }
        ],
    }
    # What is done may be opened again, which looks like the same step once more.
    everywhere = {("New", ""), ("In progress", ""), ("In progress", "In progress")}
    assert steps(read_workflow(written(tmp_path / "new.json", new))) == ALLOWED | everywhere


def test_workflows_of_redmine(tmp_path: Path) -> None:
    names = ("New", "In progress", "Review", "Done")
    page = {
        "issue_statuses": [{"id": n, "name": name, "is_closed": name == "Done"} for n, name in enumerate(names, 1)],
        "workflows": [
            {"tracker_id": 1, "role_id": role, "old_status_id": a, "new_status_id": b}
            for a, b in [(0, 1), (1, 2), (2, 3), (3, 2), (3, 4), (4, 2)]
            for role in (3, 4)
        ],
    }
    assert steps(read_workflow(written(tmp_path / "redmine.json", page))) == ALLOWED


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "is no table of allowed changes"),
        ("a,b\n1,2\n", 'needs the columns "from" and "to", found'),
        ("from,to\nNew,Done\n", "no change makes a case"),
        ("from,to\n,A\nA,B\nB,A\n", "every status leads to another one; say which statuses end a case"),
        ("from,to\n,New\nNew,Done\nNew,L1\nL1,L2\nL2,L1\n", r'cannot end any more from "L1", "L2"; .*done=\["L2"\]'),
        ("from,to\n," + "A" * 200_000 + "\n", "is no table of allowed changes"),
        ("{", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ('{"values": [{"id": 3, "transitions": "x"}]}', "holds no workflow with transitions"),
        ('{"issue_statuses": [1], "workflows": [[]]}', "no change makes a case"),
    ],
)
def test_what_is_no_workflow_is_told(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(DataError, match=told):
        read_workflow(written(tmp_path / "flow", text))


def test_wrong_names_and_files_are_told(tmp_path: Path) -> None:
    path = written(tmp_path / "flow.csv", TABLE)
    with pytest.raises(UnknownNameError, match=r'unknown status "Doen".*did you mean "Done"'):
        read_workflow(path, done=["Doen"])
    with pytest.raises(UnknownNameError, match='unknown workflow "other"'):
        read_workflow(path, name="other")
    with pytest.raises(DataError, match="there is no file"):
        read_workflow(tmp_path / "none.csv")
    path.write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(DataError, match="is not UTF-8 text"):
        read_workflow(path)
    flows = [{"name": n, "transitions": [{"type": "initial", "to": "1"}]} for n in ("a", "b")]
    with pytest.raises(DataError, match="holds 2 workflows; choose one by name: a, b"):
        read_workflow(written(tmp_path / "two.json", {"workflows": flows}))


def test_statuses_to_which_no_case_comes_are_left_out_with_a_note(tmp_path: Path) -> None:
    text = TABLE + "Old,Done\nX,Y\nY,X\n"
    model = read_workflow(written(tmp_path / "flow.csv", text), done=["Done"])
    whole = read_workflow(written(tmp_path / "whole.csv", TABLE), done=["Done"])
    assert steps(model) == steps(whole)
    assert model.documentation == 'Left out, because no case can come to them: "Old", "X", "Y".'
    assert whole.documentation == ""
