"""The command line: what it prints and where, exit codes, languages, and the mistakes of users."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

import mkmine as mk
from mkmine.cli import main, program
from mkmine.cli.console import plain
from mkmine.errors import DataError
from mkmine.eventlog.summaries import Summary

VERBS = (
    "demo", "describe", "quality", "convert", "partition", "summarise", "map", "model", "diagnose", "flow",
    "forecast", "kpis", "compare", "drift", "check", "changeover", "simulate", "backtest", "hindsight", "report",
    "regulation", "catalogue", "new", "benchmark",
)  # fmt: skip
ROWS = 40

BPMN = """<?xml version="1.0" encoding="UTF-8"?>
<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" id="d" targetNamespace="t">
  <process id="p" name="Texts">
    <startEvent id="s"/><task id="a" name="Write"/><task id="b" name="Approve"/><endEvent id="e"/>
    <sequenceFlow id="f1" sourceRef="s" targetRef="a"/>
    <sequenceFlow id="f2" sourceRef="a" targetRef="b"/>
    <sequenceFlow id="f3" sourceRef="b" targetRef="e"/>
  </process>
</definitions>
"""


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Texts that are written and approved; every fourth comes back once."""
    lines = ["case,activity,resource,role,start,end"]
    for number in range(ROWS):
        day = f"2025-{3 + number // 20:02d}-{3 + number % 20:02d}"
        lines.append(f"T{number},Write,Ann,writer,{day} 10:00,{day} 12:00")
        lines.append(f"T{number},Approve,Bob,editor,{day} 15:00,{day} 15:30")
        if number % 4 == 0:
            lines.append(f"T{number},Write,Ann,writer,{day} 16:00,{day} 16:30")
            lines.append(f"T{number},Approve,Bob,editor,{day} 17:00,{day} 17:10")
    path = tmp_path / "log.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


@pytest.fixture
def to_be(tmp_path: Path) -> Path:
    path = tmp_path / "to_be.bpmn"
    path.write_text(BPMN, encoding="utf-8")
    return path


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MKMINE_LANGUAGE", "en")


def test_the_verbs_are_those_of_the_design() -> None:
    assert tuple(program().commands) == VERBS


@pytest.mark.parametrize("verb", VERBS)
def test_help_shows_an_example(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([verb, "--help"]) == 0
    out = capsys.readouterr().out
    assert f"mkmine {verb} " in out.partition("Example:")[2]


@pytest.mark.parametrize("how", ["option before", "option after", "environment"])
def test_help_speaks_russian(how: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = {
        "option before": ["--language", "ru", "check", "--help"],
        "option after": ["check", "--language", "ru", "--help"],
        "environment": ["check", "--help"],
    }[how]
    if how == "environment":
        monkeypatch.setenv("MKMINE_LANGUAGE", "ru")
    assert main(arguments) == 0
    out = capsys.readouterr().out
    for english in ("Usage", "Options", "Example", "Show this", "Column", "Exit"):
        assert english not in out
    assert "Пример" in out


def test_help_is_quick() -> None:
    command = [sys.executable, "-m", "mkmine", "--language", "en", "--help"]
    times = []
    for _ in range(3):
        began = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        times.append(time.perf_counter() - began)
    assert min(times) < 0.5


def test_describe_prints_the_size_of_the_log(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["describe", str(log)]) == 0
    out, err = capsys.readouterr()
    assert "40" in out
    assert not err, "progress is for terminals"


@pytest.mark.parametrize("verb", ["describe", "map", "model", "diagnose"])
def test_json_is_all_that_is_printed(verb: str, log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([verb, str(log), "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)
    assert not err


def test_quality_tells_findings_and_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [f"T{n},{'Write' if n else 'write '},2025-03-0{1 + n % 9} 10:00" for n in range(9) for _ in range(2)]
    path = tmp_path / "log.csv"
    path.write_text("\n".join(["case,activity,end", *rows]), encoding="utf-8")
    assert main(["quality", str(path)]) == 0
    told = capsys.readouterr().out
    assert "differ only by case" in told
    assert "repair: merge_similar(log)" in told
    assert main(["quality", str(path), "--json"]) == 0
    kinds = [one["kind"] for one in json.loads(capsys.readouterr().out)["findings"]]
    assert "similar_names" in kinds
    assert "repeats" in kinds


def test_convert_writes_what_can_be_read_again(log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = log.read_bytes()
    for ending in ("parquet", "xes.gz", "xlsx", "csv"):
        output, mapping = tmp_path / f"out.{ending}", tmp_path / f"{ending}.yaml"
        assert main(["convert", str(log), str(output), "--save-mapping", str(mapping)]) == 0
        assert str(output) in capsys.readouterr().out
        again = ["describe", str(output), "--json", *(["--mapping", str(mapping)] if mapping.exists() else [])]
        assert main(again) == 0
        told = json.loads(capsys.readouterr().out)
        assert (told["cases"], told["instances"], told["activities"]) == (ROWS, 100, ["Write", "Approve"])
    assert main(["convert", str(log), str(log)]) == 1
    assert "stays as it is" in capsys.readouterr().err
    assert log.read_bytes() == before


def test_convert_hides_names_and_keeps_what_was_rejected(
    log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log.write_text(log.read_text() + "\nT1,Write,Ann,writer,yesterday,2025-03-04 12:00", encoding="utf-8")
    key, output, rejected = tmp_path / "key.txt", tmp_path / "out.csv", tmp_path / "rejected.csv"
    key.write_text("0123456789abcdef", encoding="utf-8")
    common = ["convert", str(log), str(output), "--quarantine", "--rejected", str(rejected)]
    assert main([*common, "--pseudonymise", str(key)]) == 0
    assert "Ann" not in output.read_text()
    assert "person " in output.read_text()
    assert "yesterday" in rejected.read_text()
    assert main([*common, "--pseudonymise", str(tmp_path / "none.txt")]) == 1
    assert "cannot read the key" in capsys.readouterr().err


def test_the_kind_of_a_file_can_be_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "history.csv"
    rows = [f"W-{n},2025-03-{n:02d} 10:00,Ann,New,Writing\nW-{n},2025-03-{n:02d} 13:00,Ann,Writing,Done"
            for n in range(1, 10)]  # fmt: skip
    path.write_text("\n".join(["issue,date,author,old status,new status", *rows]), encoding="utf-8")
    assert main(["describe", str(path), "--kind", "tracker"]) == 0
    assert "Activities     Writing\n" in capsys.readouterr().out
    assert main(["describe", str(path), "--kind", "events"]) == 0
    assert "Activities     Writing, Done\n" in capsys.readouterr().out
    assert main(["describe", str(path), "--kind", "tracker", "--case", "issue"]) == 2


def test_two_activity_columns_are_joined(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["describe", str(log), "--activity", "activity", "--activity", "role"]) == 0
    assert "Write / writer, Approve / editor" in capsys.readouterr().out


def test_map_counts_and_draws(log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture = tmp_path / "map.svg"
    assert main(["map", str(log), "--output", str(picture), "--json"]) == 0
    edges = json.loads(capsys.readouterr().out)["edges"]
    counts = {(edge["source"], edge["target"]): edge["count"] for edge in edges}
    assert counts["Write", "Approve"] == ROWS + ROWS // 4
    assert counts["Approve", "Write"] == ROWS // 4
    assert picture.read_text(encoding="utf-8").lstrip().startswith(("<svg", "<?xml"))


def test_model_is_saved_and_judged_by_several_methods(
    log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    saved = tmp_path / "as_is.bpmn"
    assert main(["model", str(log), "--noise", "0", "--output", str(saved), "--workers", "1"]) == 0
    out = capsys.readouterr().out
    lines = [line.split() for line in out.splitlines()]
    assert ["Fitness", "1.000", "optimal", "alignments"] in lines
    assert any(line[:1] == ["Precision"] and line[-1] == "align-ETC" for line in lines)
    assert str(saved) in out
    assert main(["check", str(log), str(saved), "--json", "--workers", "1"]) == 0
    assert json.loads(capsys.readouterr().out)["fitness"] == 1.0


def test_check_tells_the_bounds_of_what_was_not_aligned(
    log: Path, to_be: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", str(log), str(to_be), "--budget", "1e-9"]) == 0
    out = capsys.readouterr().out
    assert "were not aligned in time" in out
    assert "the fitness of all cases is from 0.0% to 100.0%" in out


def test_flow_tells_percentiles_and_draws(log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chart = tmp_path / "flow.csv"
    assert main(["flow", str(log), "--chart", str(chart), "--language", "en"]) == 0
    out = capsys.readouterr().out
    assert f"{ROWS} completed cases" in out
    assert "85%" in out
    assert len(chart.read_text(encoding="utf-8").splitlines()) == ROWS + 1


def test_forecast_tells_by_when(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["forecast", str(log), "--items", "5", "--weeks", "3", "--language", "en"]) == 0
    assert "too short to check such forecasts" in capsys.readouterr().out
    sample = Path(__file__).parents[1] / "data" / "article" / "tracker.csv"
    assert main(["forecast", str(sample), "--items", "40", "--weeks", "3", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [row["week"] for row in told["table"]] == [1, 2, 3]
    assert [row["probability"] for row in told["when"]] == [0.5, 0.7, 0.85, 0.95]


def test_kpis_are_held_against_goals(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    goals = ["--target", "cycle_p85_h <= 100", "--target", "rework_share<=1%"]
    assert main(["kpis", str(log), *goals, "--period", "month", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    verdicts = {row["kpi"]: row["verdict"] for row in told["table"]}
    assert verdicts["cycle_p85_h"] == "met"
    assert verdicts["rework_share"] == "missed"
    assert {row["month"][:7] for row in told["segments"]} == {"2025-03", "2025-04"}
    assert main(["kpis", str(log), *goals, "--language", "ru"]) == 0
    assert "не достигнута" in capsys.readouterr().out
    assert main(["kpis", str(log), "--target", "rework_share"]) == 2
    assert "write it as" in capsys.readouterr().err


def test_compare_cuts_a_log_by_time(log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chart = tmp_path / "difference.svg"
    asked = ["compare", str(log), "--since", "2025-04-01", "--chart", str(chart)]
    assert main([*asked, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["cases"] == [20, 19]
    assert main([*asked, "--language", "en"]) == 0
    assert "No difference of activities and paths is beyond chance." in capsys.readouterr().out
    assert chart.read_text(encoding="utf-8").startswith("<?xml")
    assert main(["compare", str(log)]) == 2
    assert main(["compare", str(log), "--by", "type"]) == 2


def test_drift_says_what_it_searched(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["drift", str(log), "--language", "en"]) == 0
    assert "The log is too short to search for changes." in capsys.readouterr().out


def test_check_says_how_many_cases_fit(log: Path, to_be: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(log), str(to_be), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["fitting_cases"] == ROWS - ROWS // 4


@pytest.mark.parametrize(("limit", "code"), [("0.5", 0), ("1", 3)])
def test_check_exits_with_3_below_the_threshold(limit: str, code: int, log: Path, to_be: Path) -> None:
    assert main(["check", str(log), str(to_be), "--min-fitness", limit]) == code


@pytest.mark.parametrize(("limit", "code"), [("1000", 0), ("0.01", 3)])
def test_diagnose_exits_with_3_above_the_threshold(limit: str, code: int, log: Path) -> None:
    assert main(["diagnose", str(log), "--max-cycle", limit]) == code


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["describe", "no-such-file.csv"], "no-such-file.csv"),
        (["describe", "{log}", "--case", "cas"], '"case"'),
        (["describe", "{log}", "--time-zone", "Mars/Base"], "Mars/Base"),
        (["check", "{log}", "no-such.bpmn"], "no-such.bpmn"),
        (["describe", "{log}", "--mapping", "no-such.yaml"], "no-such.yaml"),
        (["simulate", "{log}", "--staff", "writr=+1", "--replications", "2"], '"writer"'),
        (["report", "{log}", "--output", "report.pdf", "--no-what-if"], "report.html"),
    ],
    ids=lambda value: " ".join(value[:1] + value[2:4]) if isinstance(value, list) else "",
)
def test_mistake_gives_one_clear_message(
    arguments: list[str], told: str, log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([one.format(log=log) for one in arguments]) == 1
    out, err = capsys.readouterr()
    assert not out
    assert err.startswith("Error: ")
    assert told in err
    assert "Traceback" not in err
    assert "fault of mkmine" not in err


def test_debug_shows_the_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["describe", "no-such-file.csv", "--debug"]) == 1
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["describe"],
        ["discover", "log.csv"],
        ["check", "log.csv", "to_be.bpmn", "--min-fitness", "80"],
        ["simulate", "log.csv", "--staff", "designer"],
        ["simulate", "log.csv", "--replications", "1"],
        ["simulate", "log.csv", "--precision", "cycle_mean_h"],
        ["simulate", "log.csv", "--seconds", "0"],
        ["describe", "log.csv", "--language", "fr"],
    ],
    ids=" ".join,
)
def test_mistake_in_the_command_is_2(arguments: list[str]) -> None:
    assert main(arguments) == 2


def test_simulate_answers(log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = tmp_path / "model.yaml"
    command = ["simulate", str(log), "--staff", "editor=+1", "--replications", "2", "--workers", "1"]
    assert main([*command, "--model", str(model), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {row["scenario"] for row in found["answers"]} == {"editor +1"}
    assert "Approve" in model.read_text(encoding="utf-8")


def test_simulate_goes_on_until_it_is_precise_and_keeps_its_runs(
    log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = tmp_path / "simulations" / "editor"
    command = ["simulate", str(log), "--staff", "editor=+1", "--replications", "2", "--workers", "1", "--sla", "6"]
    command += ["--precision", "on_time_share=0.2", "--most", "4", "--study", str(study)]
    assert main([*command, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["stopping"]["precision"][0]["kpi"] == "on_time_share"
    assert 2 <= found["replications"] <= 4
    assert (study / "manifest.yaml").is_file()
    runs = (study / "runs.jsonl").read_text(encoding="utf-8")
    assert main([*command, "--language", "ru"]) == 0
    said = capsys.readouterr().out
    assert "Доля экземпляров в срок" in said
    assert "± или границы — интервал 95" in said.replace("\u00a0", " ")
    assert (study / "runs.jsonl").read_text(encoding="utf-8") == runs


def test_simulate_begins_with_open_cases(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = log.read_text(encoding="utf-8")
    log.write_text(text + "\nOPEN,Write,Ann,writer,2025-04-22 17:30,\n", encoding="utf-8")
    command = ["simulate", str(log), "--staff", "editor=+1", "--replications", "2", "--workers", "1", "--from-now"]
    assert main([*command, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["warm_up"] == "observed"


def test_simulate_says_what_matters(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["simulate", str(log), "--sensitivity", "0.2", "--replications", "2", "--workers", "1"]
    assert main([*command, "--language", "ru"]) == 0
    said = capsys.readouterr().out
    assert "Время цикла, среднее: " in said
    assert "длительность: Write" in said
    assert "\u221220" in said
    assert main([*command, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["kpi"] == "cycle_mean_h"
    assert main([*command, "--staff", "editor=+1"]) == 2


def test_a_model_of_ones_own_is_asked(log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = str(tmp_path / "model.yaml")
    options = ["--replications", "2", "--workers", "1"]
    assert main(["simulate", str(log), "--staff", "editor=+1", *options, "--model", model]) == 0
    capsys.readouterr()
    assert main(["simulate", model, *options]) == 0
    said = capsys.readouterr().out
    assert "Cycle time, mean" in said
    assert "95% interval of the mean" in said
    assert main(["simulate", model, *options, "--staff", "editor=+1", "--staff", "writer=+1", "--json"]) == 0
    assert {row["scenario"] for row in json.loads(capsys.readouterr().out)["answers"]} == {"editor +1", "writer +1"}
    assert main(["simulate", model, *options, "--from-now"]) == 2
    assert main(["simulate", model, *options, "--case", "id", "--language", "ru"]) == 2
    assert "--case: так задают чтение журнала, а model.yaml — модель." in capsys.readouterr().err
    assert main(["simulate", model, *options, "--arrivals", "40"]) == 0
    capsys.readouterr()


def test_another_mix_of_cases_is_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "model.yaml"
    path.write_text(
        """name: office
start: 2025-01-06
office: office
calendars: {office: {weekly: {Mon-Fri: "09:00-18:00"}}}
people: [{name: W, roles: [Writer], calendar: office}]
activities: {Text: {role: Writer, duration: 1, variants: [{when: {type: Whitepaper}, factor: 3}], next: [[{to: null}]]}}
begin: Text
arrivals: {weekly: {Mon-Fri: {"09:00-18:00": 0.2}}}
attributes: {type: {Blog: 0.7, Whitepaper: 0.3}}
""",
        encoding="utf-8",
    )
    asked = ["simulate", str(path), "--replications", "4", "--workers", "1", "--mix"]
    assert main([*asked, "type: Blog=0.4, Whitepaper=60%", "--json"]) == 0
    rows = [row for row in json.loads(capsys.readouterr().out)["answers"] if row["kpi"] == "cycle_mean_h"]
    assert [row["scenario"] for row in rows] == ["type: Blog 40%, Whitepaper 60%"]
    assert rows[0]["difference"] > 0
    assert main([*asked, "type: Whitepapr=0.5"]) == 1
    assert 'did you mean "Whitepaper"' in capsys.readouterr().err
    assert main([*asked, "type=0.5"]) == 2
    assert 'such as "type: Blog=0.5, Whitepaper=0.5"' in capsys.readouterr().err


def test_an_interrupted_study_says_where_it_goes_on(
    log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from mkmine.simulation.experiments import campaign

    inner, seen = campaign.replicate, []

    def replicate(*arguments: object) -> object:
        seen.append(arguments)
        if len(seen) == 3:
            raise KeyboardInterrupt
        return inner(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(campaign, "replicate", replicate)
    command = ["simulate", str(log), "--staff", "editor=+1", "--replications", "2", "--workers", "1"]
    command += ["--study", str(tmp_path / "study")]
    assert main(command) == 130
    err = capsys.readouterr().err
    assert err.startswith("Interrupted. Finished runs are kept in ")
    assert main(command) == 0
    rows = (tmp_path / "study" / "runs.jsonl").read_text(encoding="utf-8").splitlines()
    runs = [json.loads(row.partition(" ")[2]) for row in rows]
    made = [(run["run"], run["replication"]) for run in runs]
    # The interrupted run is made again, and no other.
    assert len(made) == len(set(made)) == len(seen) - 1


def test_simulate_takes_a_decimal_comma_and_tells_the_notes_of_the_model(
    log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["simulate", str(log), "--duration", "Write=0,5", "--replications", "2", "--workers", "1"]
    assert main([*command, "--language", "ru"]) == 0
    said = capsys.readouterr().out
    assert "длительность «Write» × 0,5" in said
    assert "Примечание: " in said


def test_report_says_where_it_is(log: Path, to_be: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "out" / "study.html"
    command = ["report", str(log), "--to-be", str(to_be), "--output", str(path), "--no-what-if", "--language", "ru"]
    assert main(command) == 0
    assert str(path) in capsys.readouterr().out
    assert '<html lang="ru"' in path.read_text(encoding="utf-8")
    assert list(path.parent.glob("*/*.csv"))


def test_a_reader_that_has_seen_enough_is_no_error(log: Path) -> None:
    command = f'"{sys.executable}" -m mkmine map "{log}" --json | head -c 1'
    if os.name == "nt":
        pytest.skip("a pipe to head")
    run = subprocess.run(["bash", "-c", f"set -o pipefail; {command}"], capture_output=True, text=True)
    assert run.stderr == ""


def test_a_console_without_our_letters_is_no_error(log: Path) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "MKMINE_LANGUAGE": "ru"}
    command = [sys.executable, "-m", "mkmine", "diagnose", str(log)]
    run = subprocess.run(command, capture_output=True, env=environment)
    assert run.returncode == 0, run.stderr.decode()


def test_plain_leaves_only_what_json_knows() -> None:
    value = {"a": float("nan"), 1: (Path("x"), {2.0}), "b": [float("inf"), True, None]}
    assert plain(value) == {"a": None, "1": ["x", [2.0]], "b": [None, True, None]}


def test_names_cannot_steer_the_terminal_nor_flood_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = ["\x1b[31mred\x07", "\u202eesrever", "x" * 10_000, "{0} {n} %s"]
    rows = [f"{case},{name},2025-03-{3 + case:02d} 1{at}:00" for case in range(5) for at, name in enumerate(names)]
    log = tmp_path / "log.csv"
    log.write_text("\n".join(["case,activity,end", *rows]), encoding="utf-8")
    for arguments in (["describe"], ["map"], ["diagnose"], ["describe", "--case", "\x1b[2J\nlog" + "y" * 10_000]):
        main([arguments[0], str(log), *arguments[1:]])
        out, err = capsys.readouterr()
        assert "fault" not in err
        assert not set("\x1b\x07\u202e") & set(out + err)
        assert max(map(len, (out + err).splitlines())) <= 2_010


def test_a_log_that_cannot_be_simulated_still_has_its_report(
    log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log.write_text(log.read_text(encoding="utf-8").replace("Approve", "x" * 501), encoding="utf-8")
    path = tmp_path / "report.html"
    assert main(["report", str(log), "--output", str(path), "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["report"] == str(path)
    assert err.startswith("Warning: The report is without what-if answers:")
    assert "501 characters, too long to simulate (at most 500)" in err
    assert path.is_file()


@pytest.mark.parametrize(
    "arguments",
    [
        ["describe", "x" * 5_000],
        ["describe", "{log}", "--case", ""],
        ["describe", "{log}", "--delimiter", "я"],
        ["describe", "{log}", "--mapping", "."],
        ["describe", "{log}", "--encoding", "rot13"],
    ],
    ids=lambda arguments: " ".join(arguments)[:30],
)
def test_strange_settings_are_mistakes_not_faults(
    arguments: list[str], log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([one.format(log=log) for one in arguments]) == 1
    assert "fault of mkmine" not in capsys.readouterr().err


@pytest.mark.parametrize("setting", [["--workers", "1000000000"], ["--replications", "1" + "0" * 30]], ids=" ".join)
def test_no_number_can_flood_the_machine(setting: list[str], log: Path) -> None:
    assert main(["simulate", str(log), *setting]) == 2


def test_partitions_are_made_added_to_and_summarised(
    log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, saved = tmp_path / "parts", tmp_path / "sum.json.gz"
    assert main(["partition", str(log), str(folder), "--partitions", "3", "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert (made["instances"], made["partitions"]) == (100, 3)
    assert main(["partition", str(log), str(folder), "--language", "ru"]) == 1
    assert "Ошибка" in capsys.readouterr().err
    further = tmp_path / "further.csv"
    further.write_text(log.read_text(encoding="utf-8").replace("\nT", "\nU"), encoding="utf-8")
    assert main(["partition", str(further), str(folder), "--append", "--language", "ru"]) == 0
    assert "Частей" in capsys.readouterr().out
    assert main(["partition", str(further), str(folder), "--append", "--case", "case"]) == 2
    capsys.readouterr()
    assert main(["summarise", str(folder), "--output", str(saved), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["cases"] == 2 * ROWS
    assert {row["source"] for row in found["transitions"]} == {"Write", "Approve"}
    assert Summary.open(saved).n_cases == 2 * ROWS
    assert main(["summarise", str(folder)]) == 0
    said = capsys.readouterr().out
    assert "percentiles exact" in said
    assert "cycle time" in said
    assert main(["summarise", str(log)]) == 0
    assert f"{ROWS} cases" in capsys.readouterr().out


def test_an_export_of_a_tracker_is_not_cut(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "history.csv"
    path.write_text(
        "issue,date,author,field,from,to\nA-1,2025-03-03 10:00,Ann,status,Open,In progress\n", encoding="utf-8"
    )
    assert main(["partition", str(path), str(tmp_path / "parts"), "--language", "ru"]) == 1
    assert "читается только целиком" in capsys.readouterr().err
    with pytest.raises(DataError, match="a tracker's export is read whole"):
        mk.partition(path, tmp_path / "parts")
    with pytest.raises(DataError, match="its rows are changes"):
        mk.guess_mapping(path)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["describe", "nofile.csv"], "файла «nofile.csv» нет; проверьте путь"),
        (["describe", "LOG", "--case", "cas"], "неизвестное имя (столбец): «cas» в «log.csv»; возможно, «case»?"),
        (["describe", "LOG", "--time-zone", "Mars/X"], "часового пояса «Mars/X» нет в базе IANA"),
        (["describe", "LOG", "--start", "role", "--end", "end"], "непригодных значений"),
        (["describe", "EMPTY"], "пуст"),
        (["describe"], "Не хватает аргумента LOG."),
        (["describe", "LOG", "--nonsense"], "Ключа --nonsense нет."),
        (["nonsense"], "Команды «nonsense» нет."),
        (["describe", "LOG", "--kind", "x"], "Неверное значение --kind: «x»\u00a0— не одно из 'events', 'tracker'."),
        (["convert", "LOG", "LOG"], "это сам журнал"),
        (["convert", "LOG", "out.zzz"], "какой это формат; укажите .csv"),
        (["map", "LOG", "--output", "map.pdf"], "рисунок сохраняется как SVG или PNG"),
        (["simulate", "LOG", "--staff", "Writter=+1"], "неизвестное имя (роль): «Writter» в сценарии"),
        (["summarise", "LOG", "--output", "UNDER"], "не удаётся записать"),
    ],
)
def test_the_usual_mistakes_are_told_in_russian(
    arguments: list[str], said: str, log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    empty = tmp_path / "empty.csv"
    empty.write_text("case,activity,time\n", encoding="utf-8")
    places = {"LOG": str(log), "EMPTY": str(empty), "UNDER": str(log / "summary.json.gz")}
    assert main(["--language", "ru", *(places.get(one, one) for one in arguments)]) in (1, 2)
    err = capsys.readouterr().err
    assert said in err
    last = err.strip().splitlines()[-1].removeprefix("Ошибка: ")
    assert not {"quarantine", "known", "missing", "unknown", "cannot"} & set(last.split())
