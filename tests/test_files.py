"""Files: whole or not at all, and YAML without surprises."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from mkmine.errors import DataError
from mkmine.files import read_yaml, replacing, write_bytes, write_text

BOMB = "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\n"


def test_writes_and_makes_the_folder(tmp_path: Path) -> None:
    path = tmp_path / "study" / "a" / "model.yaml"
    assert write_text(path, "модель\n") == path
    assert path.read_text(encoding="utf-8") == "модель\n"
    assert write_text(path, "модель", encoding="cp1251").read_bytes() == "модель".encode("cp1251")


def test_the_file_is_as_readable_as_any_other(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.write_text("x")
    path = write_bytes(tmp_path / "report.html", b"x")
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)


@pytest.mark.parametrize(("where", "failing"), [(os, "replace"), (Path, "write_bytes"), (os, "chmod")])
def test_a_failing_write_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: object, failing: str
) -> None:
    path = tmp_path / "report.html"
    write_text(path, "old")

    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(where, failing, fail)
    with pytest.raises(DataError, match=r"cannot write .*report\.html.*No space left on device; choose another place"):
        write_text(path, "new")
    monkeypatch.undo()
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["report.html"]


def test_an_interrupted_write_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "report.html"
    write_text(path, "old")

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_text(path, "new")
    monkeypatch.undo()
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["report.html"]


def test_a_file_written_in_parts_appears_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "new" / "log.csv"
    with replacing(path) as temporary:
        assert temporary.suffix == ".csv"
        with temporary.open("wb") as sink:
            sink.write(b"one")
            assert not path.exists()
            sink.write(b"two")
    assert path.read_bytes() == b"onetwo"
    assert os.listdir(path.parent) == ["log.csv"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, DataError])
def test_what_fails_half_way_leaves_the_old_file_and_nothing_else(tmp_path: Path, error: type[BaseException]) -> None:
    path = tmp_path / "log.csv"
    path.write_bytes(b"old")

    def fail() -> None:
        with replacing(path) as temporary:
            temporary.write_bytes(b"half")
            raise error("half way")

    with pytest.raises(error, match="half"):
        fail()
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["log.csv"]


def test_a_place_that_cannot_be_written_is_explained(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(DataError, match="cannot write"):
        write_text(tmp_path / "file" / "below", "x")
    (tmp_path / "folder").mkdir()
    with pytest.raises(DataError, match="cannot write"):
        write_text(tmp_path / "folder", "x")
    assert sorted(os.listdir(tmp_path)) == ["file", "folder"]


def test_half_a_character_from_a_tracker_does_not_stop_a_report(tmp_path: Path) -> None:
    # JSON allows lone surrogates ("\ud83d" of an emoji cut in two), UTF-8 does not.
    assert write_text(tmp_path / "report.html", "cut \ud83d off").read_text(encoding="utf-8") == "cut ? off"


def test_reads_a_mapping_with_and_without_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "card.yaml"
    path.write_bytes("\ufeffимя: Статья\n".encode())
    assert read_yaml(path, what="process card") == {"имя": "Статья"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (BOMB, r"is not valid YAML: line 2: aliases \(\*a\) are not allowed"),
        ("a: &a\n  b: *a\n", "aliases"),
        ("- 1\n- 2\n", "holds a list, not a mapping"),
        ("", "holds nothing, not a mapping"),
        ("a: [1, 2\n", "is not valid YAML"),
        ("a: !!python/object/apply:os.system ['true']\n", "is not valid YAML"),
        ("a: 2025-99-99\n", "is not valid YAML"),
        ("a: " + "[" * 5_000 + "]" * 5_000, "is not valid YAML"),
        ("? [a, b]\n: 1\n? {c: 1}\n: 2\n", "is not valid YAML"),
        (b"a: \xff\xfe\x00", "is not valid YAML"),
        ("a: " + "9" * 5_000, "is not valid YAML"),
        ("a:\n  b: 1\n  b: 2\n", 'is not valid YAML: line 3: "b" is said twice'),
    ],
    ids=["bomb", "cycle", "list", "empty", "broken", "code", "date", "deep", "unhashable", "bytes", "huge", "twice"],
)
def test_bad_yaml_is_explained(tmp_path: Path, content: str | bytes, message: str) -> None:
    path = tmp_path / "model.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(DataError, match=message) as caught:
        read_yaml(path, what="model")
    assert "\n" not in str(caught.value)


def test_a_missing_file_and_a_folder_are_explained(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r'cannot read the model ".*none\.yaml": No such file'):
        read_yaml(tmp_path / "none.yaml", what="model")
    with pytest.raises(DataError, match="cannot read the model"):
        read_yaml(tmp_path, what="model")


def test_a_huge_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "model.yaml"
    with path.open("wb") as sink:
        sink.truncate(60_000_000)
    with pytest.raises(DataError, match="is larger than 50 MB; is it the right file"):
        read_yaml(path, what="model")


def test_a_time_is_not_a_number(tmp_path: Path) -> None:
    path = tmp_path / "card.yaml"
    path.write_text("limit: 1:30\nrounds: 0x10\n")
    assert read_yaml(path, what="process card") == {"limit": "1:30", "rounds": 16}
