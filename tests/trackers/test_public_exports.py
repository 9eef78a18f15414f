"""Real exports of Jira and Redmine become sensible logs."""

from __future__ import annotations

from pathlib import Path

import pytest

from mkmine.trackers import looks_like_export, read_export

pytestmark = pytest.mark.shared


def test_redmine_journals(shared_logs: Path) -> None:
    path = shared_logs / "trackers" / "redmine_60_issues_journals.json"
    assert looks_like_export(path)
    log = read_export(path, time_zone="Europe/Moscow")
    assert log.n_cases == 60
    assert set(log.activities) == {"Бриф", "В работе", "Ждёт согласования", "Опубликовано"}
    assert set(log.case_attributes["outcome"]) <= {"done", "cancelled", "open"}
    assert (log.case_attributes["outcome"] == "open").to_numpy().tolist() == (~log.completed).tolist()
    # The forty flips within one second on the last issue are noise, and told.
    collapsed = [step for step in log.history if step.action.startswith("collapse")]
    assert sum(step.touched or 0 for step in collapsed) >= 39
    assert len(log.resources) == 4


def test_raw_jira_pages_in_two_languages(shared_logs: Path) -> None:
    path = shared_logs / "trackers" / "jira" / "_raw_jira_api_issues.csv"
    assert looks_like_export(path)
    log = read_export(path)
    assert log.n_cases + len(log.quarantine) == 33
    assert log.time_zone == "Asia/Shanghai"
    assert '已完成 = done (category "done")' in str(log.history)
    assert any(step.action == "flag bulk moves" for step in log.history)
    assert log.completed.all()


def test_a_list_of_issues_without_history_says_what_it_lacks(shared_logs: Path) -> None:
    path = shared_logs / "trackers" / "redmine_issues_export.csv"
    assert looks_like_export(path)
    with pytest.raises(ValueError, match="it is a list of issues, not their history"):
        read_export(path)
