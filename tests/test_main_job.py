"""The main job on real public logs: event log, map, comparison, bottlenecks, what-if, report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mkmine.cli import main
from mkmine.targets import Flow, Node, ProcessModel, write_bpmn

pytestmark = pytest.mark.shared

LOGS: dict[str, tuple[str, list[str]]] = {
    "helpdesk": ("trackers/helpdesk.xes.gz", []),
    "incidents": ("trackers/bpic2013_incidents.xes.gz", ["--no-what-if"]),
    "loans": ("calibration/LoanApp/LoanApp.csv.gz", []),
}


def ticket_process() -> ProcessModel:
    """Return how tickets are meant to go: each is rated, taken, perhaps put off, resolved and closed."""
    tasks = ["Assign seriousness", "Take in charge ticket", "Wait", "Resolve ticket", "Closed"]
    nodes = [Node(id="start", kind="start"), Node(id="end", kind="end")]
    nodes += [Node(id=f"task{number}", kind="task", name=name) for number, name in enumerate(tasks)]
    nodes += [Node(id=name, kind="exclusive") for name in ("taken", "ready", "decided")]
    arrows = "start task0,task0 taken,taken task1,task1 decided,decided task2,task2 taken,decided ready,ready task3"
    pairs = [tuple(pair.split()) for pair in f"{arrows},task3 task4,task4 end".split(",")]
    flows = [Flow(id=f"flow{number}", source=a, target=b) for number, (a, b) in enumerate(pairs)]
    return ProcessModel(nodes=tuple(nodes), flows=tuple(flows), name="Ticket")


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    """Run a command with --json and return what it says."""
    assert main([*arguments, "--json"]) == 0
    out: dict[str, Any] = json.loads(capsys.readouterr().out)
    return out


@pytest.mark.parametrize("name", LOGS)
def test_report_on_a_public_log(
    name: str, shared_logs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, options = LOGS[name]
    target = tmp_path / "report.html"
    arguments = ["report", str(shared_logs / file), "--output", str(target), "--replications", "3", "--workers", "1"]
    if name == "helpdesk":
        arguments += ["--to-be", str(write_bpmn(ticket_process(), tmp_path / "ticket.bpmn"))]
    told(capsys, *arguments, "--language", "en", *options)
    page = target.read_text(encoding="utf-8")
    assert "<svg" in page
    assert "Method:" in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert ("What if" in page) == ("--no-what-if" not in options)
    assert len(list((tmp_path / "report_tables").glob("*.csv"))) >= 5


def test_tickets_are_held_against_how_they_are_meant_to_go(
    shared_logs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = write_bpmn(ticket_process(), tmp_path / "ticket.bpmn")
    gap = told(capsys, "check", str(shared_logs / "trackers/helpdesk.xes.gz"), str(model))
    assert 0.9 < gap["fitness"] < 1
    assert gap["cases"] == 4580
    assert "Require upgrade" in gap["only_in_log"]


def test_incidents_are_read_as_statuses(shared_logs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = str(shared_logs / "trackers/bpic2013_incidents.xes.gz")
    found = told(capsys, "diagnose", log, "--timestamps", "entered")
    assert found["cases"]["completed"] + found["cases"]["open"] == 7554
    assert found["bottlenecks"][0]["hours"] > 0


def test_loans_gain_from_one_more_officer_or_not_at_all(shared_logs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = str(shared_logs / "calibration/LoanApp/LoanApp.csv.gz")
    answer = told(capsys, "simulate", log, "--staff", "Loan Officer=+1", "--replications", "5", "--workers", "1")
    row = next(one for one in answer["answers"] if one["kpi"] == "cycle_mean_h")
    assert row["low"] <= row["difference"] <= row["high"]
    assert row["verdict"] in {"better", "noise", "negligible"}
