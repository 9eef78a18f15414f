from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

import mkmine
from mkmine.errors import DataError, UnknownNameError
from mkmine.eventlog import EventLog, Step
from mkmine.eventlog.cleaning.filters import keep_attribute, keep_resources
from mkmine.eventlog.cleaning.masking import Masks, Pseudonyms
from mkmine.eventlog.cleaning.privacy import drop_free_text, free_text, pseudonymise

KEY = "0123456789abcdef-secret"
PEOPLE = ("Орлов Дмитрий", "Белова Анна", "Иванов А.", "Иванова А.", "e.smith")


@pytest.fixture
def log() -> EventLog:
    frame = pd.DataFrame(
        {
            "case": ["ART-1", "ART-1", "ART-2", "ART-2", "Орлов-3"],
            "activity": ["Текст", "Согласование у Беловой", "Текст", "Правки", "Текст"],
            "resource": list(PEOPLE),
            "role": ["автор", "редактор", "автор", "автор", "автор"],
            "author": ["Орлов Дмитрий", "Кто-то Другой", None, "Белова Анна", "e.smith"],
            "checked": ["Белова Анна", "Белова Анна", "Орлов Дмитрий", None, "Белова Анна"],
            "note": ["позвонить Орлову", "orlov@company.ru просил", "без замечаний", None, "E.Smith, e.smith!"],
            "channel": ["blog", "blog", "smm", "smm", "blog"],
            "effort": [1, 2, 3, 4, 5],
        }
    )
    frame["end"] = pd.to_datetime(["2025-03-03", "2025-03-04", "2025-03-05", "2025-03-06", "2025-03-07"])
    return EventLog.from_pandas(
        frame,
        resource="resource",
        role="role",
        attributes=["author", "checked", "note", "channel", "effort"],
        case_attributes=pd.DataFrame({"owner": ["Белова Анна", "Посторонний П.", None]}, index=["ART-1", "ART-2", "x"]),
        name="Задачи Орлова",
        quarantine=pd.DataFrame({"Исполнитель": ["Белова Анна"], "reason": ["“Белова”: not a date"]}),
        history=[Step("read", "задачи_Орлова.csv"), Step("mapping", "resource = “Исполнитель”")],
    )


def everything(log: EventLog) -> str:
    """All text that is in a log, wherever it stands."""
    parts = [repr(log), repr(log.describe()), *map(str, log.case_ids), *log.activities, *log.resources, *log.roles]
    frames = (log.to_pandas(), log.case_frame(), log.quarantine)
    parts += [frame.astype(str).to_csv() for frame in frames]
    return "\n".join([*parts, *map(str, log.history), str(log.attributes._held), log.name])


def test_no_name_is_left_anywhere(log: EventLog) -> None:
    new = pseudonymise(log, key=KEY)
    told = everything(new)
    assert new.quarantine["reason"].tolist() == ["not a date"]
    for stem in ("Орлов", "Белов", "Иванов", "smith", "Smith", "Кто-то", "Посторонний", "Анна", "Дмитрий", "orlov@"):
        assert stem not in told, stem
    assert "blog" in told
    assert "без замечаний" in told


def test_pseudonyms_stay_the_same_across_logs_and_columns(log: EventLog) -> None:
    one = pseudonymise(log, key=KEY)
    other = pseudonymise(keep_resources(log, "Орлов Дмитрий"), key=KEY)
    assert other.resources[0] in one.resources
    frame = one.to_pandas()
    assert frame.loc[0, "resource"] == frame.loc[0, "author"] == frame.loc[2, "checked"]
    assert re.fullmatch(r"person [0-9a-f]{8}", str(frame.loc[0, "resource"]))
    assert frame["author"].isna().tolist() == [False, False, True, False, False]
    assert pseudonymise(log, key=KEY + "!").resources != one.resources
    assert KEY not in everything(one)


def test_the_log_is_the_same_but_for_names(log: EventLog) -> None:
    new = pseudonymise(log, key=KEY)
    assert new.n_cases == log.n_cases
    assert len(new.resources) == len(log.resources)
    assert new.end.tolist() == log.end.tolist()
    assert new.attributes["effort"].tolist() == [1, 2, 3, 4, 5]
    assert list(new.resources) == sorted(new.resources)
    assert new.case_ids.tolist()[:2] == ["ART-1", "ART-2"]
    assert str(new.history[-1]).startswith("pseudonymise: people; author; checked; owner [")


def test_russian_pseudonyms_and_cases_and_roles(log: EventLog) -> None:
    new = pseudonymise(log, key=KEY, cases=True, roles=True, attributes=["channel", "effort"], language="ru")
    assert all(name.startswith("сотрудник ") for name in new.resources)
    assert all(str(one).startswith("экземпляр ") for one in new.case_ids)
    assert all(name.startswith("роль ") for name in new.roles)
    assert all(str(one).startswith("значение ") for one in new.attributes["channel"])
    assert len(set(new.attributes["effort"])) == 5
    assert "blog" not in everything(new)


def test_people_may_stay_while_an_attribute_is_hidden(log: EventLog) -> None:
    new = pseudonymise(log, key=KEY, resources=False, attributes="channel")
    assert new.resources == log.resources
    assert not {"blog", "smm"} & set(new.attributes["channel"])


def test_names_in_the_history_are_hidden(log: EventLog) -> None:
    kept = keep_attribute(log, "author", ["Кто-то Другой", "Орлов Дмитрий"])
    told = " ".join(map(str, pseudonymise(kept, key=KEY).history))
    assert "Кто-то" not in told
    assert "Орлов" not in told
    assert "Дмитри" not in told


@pytest.mark.parametrize("key", ["", "short", b"", "aaaaaaaaaaaaaaaaaaaaaaaa", 12345678901234567890, None])
def test_weak_keys_are_refused(log: EventLog, key: object) -> None:
    with pytest.raises(DataError, match=r"token_hex\(16\)"):
        pseudonymise(log, key=key)  # type: ignore[arg-type]


def test_misspelt_arguments_are_told(log: EventLog) -> None:
    with pytest.raises(UnknownNameError, match='did you mean "author"'):
        pseudonymise(log, key=KEY, attributes=["autor"])
    with pytest.raises(UnknownNameError, match="language"):
        pseudonymise(log, key=KEY, language="de")  # type: ignore[arg-type]


def test_long_keys_are_not_cut_off() -> None:
    one, other = (Pseudonyms.of(["Anna"], b"x" * 70 + end, domain="person", word="p").table for end in (b"1", b"2"))
    assert one != other


def test_names_that_would_collide_get_longer_pseudonyms() -> None:
    names = [f"name {number}" for number in range(3000)]
    table = Pseudonyms.of(names, b"k" * 16, domain="person", word="p", digits=2).table
    assert len(set(table.values())) == 3000
    assert max(map(len, table.values())) > len("p 00")
    assert Pseudonyms.of(["Anna", "Anna "], b"k" * 16, domain="person", word="p").table["Anna "] != ""


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Согласовать с Ивановой", "Согласовать с person 22222222"),
        ("Иванову и Орлову Д.", "person 22222222 и person 11111111"),
        ("Д. Орлов написал", "person 11111111 написал"),
        ("иванов день", "person 22222222 день"),
        ("спросить у е.смит или орлова", "спросить у е.смит или person 11111111"),
        ("see orlov_d, Mariya Ivanova, dorlov2", "see person 11111111_d, person 22222222, person 11111111_2"),
        ("ORLOV and IvanovaM", "person 11111111 and person 22222222"),
        ("Lee read it, lee side, sleep", "person 55555555 read it, lee side, sleep"),
        ("Editor 1 checked, Editor 12 did not", "person 33333333 checked, Editor 12 did not"),
        ("Editor of the day", "Editor of the day"),
        ("Smith's text", "person 44444444's text"),
        ("nothing at all", "nothing at all"),
    ],
)
def test_names_within_texts(text: str, masked: str) -> None:
    names = {
        "Орлов Дмитрий": "person 11111111",
        "Иванова Мария": "person 22222222",
        "Editor 1": "person 33333333",
        "Editor 7": "person 77777777",
        "Ann Lee": "person 55555555",
        "Smith": "person 44444444",
    }
    assert Masks.of(names, whole=names, word="person").masked(text) == masked


def test_a_first_name_of_several_people_names_nobody() -> None:
    names = {"Анна Белова": "person 11111111", "Анна Орлова": "person 22222222"}
    masks = Masks.of(names, whole=names, word="person")
    assert masks.masked("спросить Анну") == "спросить person …"
    assert masks.masked("спросить Анну Белову") == "спросить person 11111111"


def test_free_text_is_found_and_dropped() -> None:
    n = 60
    frame = pd.DataFrame({"case": [f"T-{i}" for i in range(n)], "activity": "A"})
    frame["end"] = pd.Timestamp("2025-03-03") + pd.to_timedelta(range(n), unit="h")
    frame["comment"] = [f"please call the client number {i} about the text" for i in range(n)]
    frame["ticket"] = [f"TICKET-{i}" for i in range(n)]
    frame["channel"] = ["blog about all that we do"] * n
    summary = pd.DataFrame({"summary": [f"article number {i} on returns" for i in range(n)]}, index=frame["case"])
    aside = pd.DataFrame({"comment": ["call Anna"], "reason": ["no time"]})
    log = EventLog.from_pandas(
        frame, attributes=["comment", "ticket", "channel"], case_attributes=summary, quarantine=aside
    )
    assert free_text(log) == ("summary", "comment")
    left = drop_free_text(log)
    assert list(left.attributes) == ["ticket", "channel"]
    assert list(left.case_attributes.columns) == []
    assert list(left.quarantine.columns) == ["reason"]
    assert str(left.history[-1]) == "drop free text: summary, comment [2]"
    assert list(drop_free_text(log, "ticket").attributes) == ["comment", "channel"]
    with pytest.raises(UnknownNameError, match='did you mean "comment"'):
        drop_free_text(log, ["coment"])


@pytest.fixture(scope="module")
def article(root: Path) -> EventLog:
    """The sample as an analyst reads it: the tracker's history with the issues' fields, a year of it."""
    return mkmine.read(root / "data" / "article" / "tracker.csv")


@pytest.mark.parametrize("language", ["ru", "en"])
def test_the_report_of_a_pseudonymised_log_shows_no_name(
    article: EventLog, root: Path, tmp_path: Path, language: str
) -> None:
    issues = pd.read_csv(root / "data" / "article" / "issues.csv", sep=";", encoding="utf-8-sig")
    people = {*article.resources, *issues["Автор"].dropna(), *issues["Исполнитель"].dropna()}
    log = pseudonymise(article, key=KEY, language=language)  # type: ignore[arg-type]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        folder = tmp_path / "report"
        mkmine.report(log, language=language).save(folder / "article.html")
    texts = {path: path.read_text("utf-8", "replace") for path in folder.rglob("*") if path.is_file()}
    assert len(texts) >= 1
    stems = {word[:-1] for name in people for word in re.findall(r"[^\W\d_]{4,}", name)}
    assert len(stems) > 10
    for path, text in texts.items():
        words = set(re.findall(r"[^\W\d_]{4,}", text))
        named = {word for word in words for stem in stems if word.startswith(stem) and word[0].isupper()}
        known = {"Доставка"}
        assert not named - known, path
        assert not [name for name in people if name in text]
    assert any("person " in text or "сотрудник " in text for text in texts.values())


def test_the_samples_of_the_making_hide_the_same_person_alike(make_log: Callable[..., EventLog]) -> None:
    one = pseudonymise(make_log([("1", "A", 0, 1, "Anna")]), key=KEY.encode())
    two = pseudonymise(make_log([("2", "B", 0, 1, "Anna"), ("2", "C", 1, 2, "Boris")]), key=KEY)
    assert set(one.resources) < set(two.resources)
