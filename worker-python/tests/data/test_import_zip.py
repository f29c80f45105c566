"""The release's archive, honest and not."""

from __future__ import annotations

import json
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dss_worker.data import import_zip as module
from dss_worker.data.answer import Refused
from dss_worker.data.import_zip import import_zip

ROWS = '{"question":"a"}\n{"question":"b"}\n'
HONEST = {
    "datasets/cqa/cqa_train.json": ROWS,
    "datasets/cqa/cqa_test.json": ROWS,
    "datasets/cqa/llm/train_CoT_0.json": '["one"]',
    "datasets/cqa/llm/train_CoT_1.json": '["two"]',
    "datasets/gpt-neox/cqa/train.json": '["one","two"]',
    "datasets/svamp/SVAMP.json": "[]",
    "__MACOSX/datasets/._cqa": "x",
}


def zip_of(path: Path, files: dict[str, str]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return path


def run(path: Path, root: Path) -> dict[str, Any]:
    return import_zip({"zip": str(path), "datasets": str(root)})


def test_datasets_are_unpacked_below_the_root_and_counted(tmp_path: Path) -> None:
    document = run(zip_of(tmp_path / "a.zip", HONEST), tmp_path / "root")
    assert document["ignored"] == ["__MACOSX/datasets/._cqa"]
    cqa, svamp = document["datasets"]
    assert cqa["rows"] == {"train": 2, "test": 2}
    assert (svamp["name"], svamp["files"]) == ("svamp", 1)
    found = {str(p.relative_to(tmp_path / "root")) for p in (tmp_path / "root").rglob("*") if p.is_file()}
    assert found == {name.removeprefix("datasets/") for name in HONEST if not name.startswith("__")}
    assert (tmp_path / "root/cqa/cqa_train.json").read_text() == ROWS


def test_a_dataset_that_is_there_already_stays_and_nothing_is_left_behind(tmp_path: Path) -> None:
    (tmp_path / "root/cqa").mkdir(parents=True)
    with pytest.raises(Refused, match="is there already"):
        run(zip_of(tmp_path / "a.zip", HONEST), tmp_path / "root")
    assert [path.name for path in (tmp_path / "root").iterdir()] == ["cqa"]


@pytest.mark.parametrize(
    ("broken", "problem"),
    [
        ({"datasets/cqa/cqa_test.json": "[1]\n"}, "cqa/cqa_test.json:1: expected a JSON object, got an array of 1"),
        ({"datasets/cqa/cqa_train.json": ROWS + "{\n"}, "cqa/cqa_train.json:3: expected JSON, got other text"),
        ({"datasets/cqa/llm/train_CoT_2.json": '["three"]'}, "at most 2 outputs, one for each row of train, got 3"),
        ({"datasets/cqa/llm/train_CoT_3.json": "[]"}, "no file cqa/llm/train_CoT_2.json, and there are"),
        ({"datasets/cqa/llm/test_CoT_0.json": "{}"}, "expected a JSON array of texts, got an object"),
    ],
)
def test_a_dataset_with_wrong_files_is_left_out_and_said(tmp_path: Path, broken: dict[str, str], problem: str) -> None:
    document = run(zip_of(tmp_path / "a.zip", HONEST | broken), tmp_path / "root")
    cqa, svamp = document["datasets"]
    assert problem in cqa["problem"]
    assert svamp["problem"] is None
    assert not (tmp_path / "root/cqa").exists()
    assert (tmp_path / "root/svamp/SVAMP.json").exists()


def link(path: Path) -> Path:
    with zipfile.ZipFile(zip_of(path, HONEST), "a") as archive:
        info = zipfile.ZipInfo("datasets/cqa/cqa_valid.json")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, "/etc/passwd")
    return path


def no_zip(path: Path) -> Path:
    path.write_bytes(b"PK no")
    return path


def damaged(path: Path) -> Path:
    content = bytearray(zip_of(path, {"cqa/cqa_test.json": ROWS * 50}).read_bytes())
    content[45] ^= 0xFF
    path.write_bytes(content)
    return path


def damaged_lzma(path: Path) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("datasets/cqa/cqa_test.json", ROWS * 50)
    content = bytearray(path.read_bytes())
    content[70:110] = bytes(40)
    path.write_bytes(content)
    return path


def damaged_bzip2(path: Path) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("datasets/cqa/cqa_test.json", ROWS * 50)
    content = bytearray(path.read_bytes())
    content[60:80] = bytes(20)
    path.write_bytes(content)
    return path


def no_utf8(path: Path) -> Path:
    name = "datasets/cqa/ä.json"
    content = zip_of(path, {name: ROWS}).read_bytes()
    path.write_bytes(content.replace(name.encode(), name.encode().replace(b"\xc3\xa4", b"\xc3\xff")))
    return path


def of_another_age(path: Path) -> Path:
    content = bytearray(zip_of(path, {"cqa/cqa_test.json": ROWS}).read_bytes())
    # The version that is needed to read it, in the directory at its end.
    content[content.index(b"PK\x01\x02") + 6] = 99
    path.write_bytes(content)
    return path


def bomb(path: Path) -> Path:
    return zip_of(path, HONEST | {"datasets/cqa/cqa_valid.json": " " * 4_000_000})


def with_entry(name: str) -> Callable[[Path], Path]:
    return lambda path: zip_of(path, HONEST | {name: "x"})


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (with_entry("../cqa/cqa_valid.json"), "points outside the folder"),
        (damaged_lzma, "is damaged"),
        (damaged_bzip2, "is damaged"),
        (no_utf8, "it is no zip file"),
        (of_another_age, "it is no zip file"),
        (with_entry("datasets/../../x"), "points outside the folder"),
        (with_entry("/etc/x"), "points outside the folder"),
        (with_entry("..\\x"), "points outside the folder"),
        (with_entry("C:\\x"), "points outside the folder"),
        (with_entry("cqa/cqa_train.json"), "cqa/cqa_train.json twice"),
        (link, "is a link or a device"),
        (bomb, "unpacks to 4000000 bytes"),
        (damaged, "is damaged"),
        (no_zip, "it is no zip file"),
        (lambda path: zip_of(path, {"readme.txt": "hello"}), "no file of the release's layout"),
    ],
)
def test_an_archive_that_no_honest_tool_writes_changes_nothing(
    tmp_path: Path, make: Callable[[Path], Path], said: str
) -> None:
    (tmp_path / "root").mkdir()
    with pytest.raises(Refused, match=said):
        run(make(tmp_path / "a.zip"), tmp_path / "root")
    assert list((tmp_path / "root").iterdir()) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.zip", "root"]


def test_too_many_entries_and_too_many_bytes_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = zip_of(tmp_path / "a.zip", HONEST)
    monkeypatch.setattr(module, "MAX_ENTRIES", 3)
    with pytest.raises(Refused, match="has 7 entries; at most 3"):
        run(path, tmp_path / "root")
    monkeypatch.undo()
    monkeypatch.setattr(module, "MAX_BYTES", 10)
    with pytest.raises(Refused, match="larger than 10 bytes"):
        run(path, tmp_path / "root")


def test_a_move_that_fails_half_way_is_taken_back(tmp_path: Path) -> None:
    staging, root = tmp_path / "staging", tmp_path / "root"
    for place in ("a", "b"):
        (staging / place).mkdir(parents=True)
    (root / "b").mkdir(parents=True)
    (root / "b" / "mine").touch()
    with pytest.raises(OSError, match=r"not empty|exists"):
        module.move_all(["a", "b"], staging, root)
    assert sorted(path.name for path in root.iterdir()) == ["b"]
    assert json.dumps(sorted(path.name for path in staging.iterdir())) == '["a", "b"]'
