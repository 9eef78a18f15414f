from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from mkmine.eventlog import EventLog
from mkmine.eventlog.cleaning.quality import Finding

Office = Callable[..., pd.DataFrame]
Logged = Callable[..., EventLog]
Found = Callable[[EventLog], dict[str, Finding]]


def test_typing_errors_are_told_with_the_right_name(office: Office, logged: Logged, findings: Found) -> None:
    frame = office()
    frame.loc[frame.index[frame["activity"] == "Publication"][:5], "activity"] = "Publicaton"
    found = findings(logged(frame))
    assert (found["mistyped"].count, found["mistyped"].examples) == (5, ("“Publicaton” → “Publication”",))
    assert "similar_names" not in found


def test_look_alike_letters_of_another_alphabet_are_found(office: Office, logged: Logged, findings: Found) -> None:
    frame = office().replace({"activity": {"Design": "СММ"}})
    frame.loc[frame.index[frame["activity"] == "СММ"][:9], "activity"] = "CMM"
    (example,) = findings(logged(frame))["similar_names"].examples
    assert {name.strip("“”") for name in example.split(" = ")} == {"СММ", "CMM"}


def test_a_renamed_activity_is_found_with_the_repair(office: Office, logged: Logged, findings: Found) -> None:
    frame = office()
    late = (frame["activity"] == "Review the text") & (frame["start"] >= "2025-05-20")
    frame.loc[late, "activity"] = "Approval"
    found = findings(logged(frame))["renamed"]
    assert found.examples == ("“Review the text” → “Approval”",)
    assert found.repair == "merge_activities(log, {'Approval': ['Review the text']})"
    assert found.count == 300


def test_an_activity_that_comes_between_others_is_no_new_name(office: Office, logged: Logged, findings: Found) -> None:
    frame = office()
    gone = (frame["activity"] == "Review the text") & (frame["start"] >= "2025-05-20")
    added = frame[(frame["activity"] == "Publication") & (frame["start"] >= "2025-05-20")].copy()
    added["activity"] = "Promotion"
    added[["start", "end"]] += pd.Timedelta(hours=2)
    log = logged(pd.concat([frame[~gone], added], ignore_index=True))
    assert "renamed" not in findings(log)


def test_free_text_as_activity_is_found(office: Office, logged: Logged, findings: Found) -> None:
    frame = office()
    rows = frame.index[::3]
    frame.loc[rows, "activity"] = [f"Answer to letter {number} of the client" for number in range(len(rows))]
    found = findings(logged(frame))
    assert found["one_time_names"].count == len(rows)
    assert "mistyped" not in found


def test_numbered_stages_are_not_one(office: Office, logged: Logged, findings: Found) -> None:
    frame = office().replace({"activity": {"Draft the text": "Stage 1", "Design": "Stage 2", "Request": "Stage 11"}})
    assert not {"mistyped", "similar_names"} & set(findings(logged(frame)))
