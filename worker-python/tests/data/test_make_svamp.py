"""SVAMP's files, made from their source."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from dss_worker.data.answer import Refused
from dss_worker.data.make_svamp import make_svamp, svamp_splits

REPOSITORY = Path(__file__).parents[3]
REAL = Path(os.environ.get("DSS_TEST_DATASETS", REPOSITORY.parent / "shared" / "datasets")) / "svamp"

real_data = pytest.mark.skipif(not REAL.exists(), reason=f"NOT TESTED on real data: there is none at {REAL}")


def source(count: int = 1000) -> bytes:
    """A source whose rows are told apart by number; an umlaut and a slash need escaping."""
    rows = [{"Body": f"Bär {i}", "Question": "why?", "Equation": f"( {i}.0 / 1.0 )"} for i in range(count)]
    return json.dumps(rows).encode()


@real_data
def test_the_files_equal_the_releases_byte_for_byte() -> None:
    splits = svamp_splits((REAL / "SVAMP.json").read_bytes())
    assert splits["train"] == (REAL / "svamp_train.json").read_bytes()
    assert splits["test"] == (REAL / "svamp_test.json").read_bytes()


def test_every_row_goes_to_one_split_and_the_text_is_escaped_as_in_the_release() -> None:
    splits = svamp_splits(source())
    assert (splits["train"].count(b"\n"), splits["test"].count(b"\n")) == (800, 200)
    assert b'{"input":"B\\u00e4r 993\\nwhy?","label":"( 993.0 \\/ 1.0 )"}\n' in splits["train"]
    assert len(set((splits["train"] + splits["test"]).splitlines())) == 1000


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"{}", "expected an array of 1000 objects, got dict"),
        (source(999), "expected an array of 1000 objects, got 999 items"),
        (b"[" + b",".join([b"{}"] * 1000) + b"]", "item 1: expected an object with the text Body"),
        (b"[" * 100_000, "not JSON"),
    ],
)
def test_another_file_is_refused_with_what_is_wrong(content: bytes, said: str) -> None:
    with pytest.raises(Refused, match=said):
        svamp_splits(content)


def test_files_are_written_once_and_other_content_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "SVAMP.json").write_bytes(source())
    request: dict[str, object] = {"source": str(tmp_path / "SVAMP.json"), "directory": str(tmp_path / "svamp")}

    def states() -> list[str]:
        files = make_svamp(request)["files"]
        assert isinstance(files, list)
        return [file["state"] for file in files]

    assert states() == ["written", "written"]
    assert states() == ["unchanged", "unchanged"]
    (tmp_path / "svamp" / "svamp_test.json").write_text("mine")
    with pytest.raises(Refused, match="is there with other content"):
        make_svamp(request)
    assert (tmp_path / "svamp" / "svamp_test.json").read_text() == "mine"
