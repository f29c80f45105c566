"""Event folders, read back by TensorBoard's own reader."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Iterator
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from dss_worker.tracking.__main__ import serve

BEGIN = {"group": "c1", "name": "seed 0", "trial_id": "t1", "config": {"lr": 5e-5, "dataset": "cqa"}, "started": 1000.0}


def talk(directory: Path, *requests: object, kind: str = "tensorboard") -> tuple[int, list[dict[str, object]]]:
    answers = io.StringIO()
    lines = io.StringIO("".join(json.dumps(request) + "\n" for request in requests))
    status = serve(kind, directory, "p", lines=lines, answers=answers)
    return status, [json.loads(line) for line in answers.getvalue().splitlines()]


def scalars(folder: Path, tag: str) -> list[tuple[int, float, float]]:
    accumulator = EventAccumulator(str(folder))
    accumulator.Reload()
    return [(event.step, event.value, event.wall_time) for event in accumulator.Scalars(tag)]


def test_points_are_there_with_step_value_and_time(tmp_path: Path) -> None:
    points = [["train/loss", 1, 0.5, 1001.5], ["train/loss", 2, "NaN", 1002.0], ["eval/loss", 2, "Infinity", 1002.0]]
    end = {"state": "succeeded", "ended": 1003.0}
    assert talk(tmp_path, {"run": "a/b", "begin": BEGIN, "points": points, "end": end})[0] == 0
    (first, second) = scalars(tmp_path / "a/b", "train/loss")
    assert first == (1, 0.5, 1001.5)
    assert math.isnan(second[1])
    assert scalars(tmp_path / "a/b", "eval/loss") == [(2, math.inf, 1002.0)]


def test_points_are_read_while_the_run_goes_on(tmp_path: Path) -> None:
    def lines() -> Iterator[str]:
        """The second request comes when the first has been seen in the file."""
        yield json.dumps({"run": "r", "begin": BEGIN, "points": [["x", 1, 1.0, 1001.0]]})
        assert [step for step, *_ in scalars(tmp_path / "r", "x")] == [1]
        yield json.dumps({"run": "r", "points": [["x", 2, 1.0, 1001.0]]})
        assert [step for step, *_ in scalars(tmp_path / "r", "x")] == [1, 2]

    assert serve("tensorboard", tmp_path, "p", lines=lines(), answers=io.StringIO()) == 0
    assert [step for step, *_ in scalars(tmp_path / "r", "x")] == [1, 2]


def test_a_reader_that_looks_on_drops_what_a_run_begun_anew_replaces(tmp_path: Path) -> None:
    talk(tmp_path, {"run": "r", "begin": BEGIN, "points": [["x", 1, 1.0, 1001.0], ["x", 2, 1.0, 1001.0]]})
    looking = EventAccumulator(str(tmp_path / "r"))
    looking.Reload()
    assert len(looking.Scalars("x")) == 2
    talk(tmp_path, {"run": "r", "begin": BEGIN, "points": [["x", 1, 7.0, 1005.0]]})
    looking.Reload()
    assert [(event.step, event.value) for event in looking.Scalars("x")] == [(1, 7.0)]


def test_what_is_settled_is_known_to_the_next_writer_and_goes_with_its_folder(tmp_path: Path) -> None:
    settle = {"run": "a/b", "settle": {"id": "t1", "standing": "succeeded 1"}}
    _, answers = talk(tmp_path, {"run": "a/b", "begin": BEGIN, "end": {"state": "failed", "ended": 2.0}}, settle)
    assert answers == [{"settled": {}}, {}, {}]
    assert talk(tmp_path)[1] == [{"settled": {"t1": "succeeded 1"}}]
    talk(tmp_path, {"run": "a/b", "begin": BEGIN})
    assert talk(tmp_path)[1] == [{"settled": {}}], "a run that is begun anew is not complete"


def test_a_mark_that_cannot_be_read_counts_as_none(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / ".dss.json").write_text("{")
    assert talk(tmp_path)[1] == [{"settled": {}}]


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    status, answers = talk(tmp_path / "file", {"run": "r", "begin": BEGIN})
    assert status == 2
    error = answers[-1]["error"]
    assert isinstance(error, dict)
    assert error["message"].startswith(f"{tmp_path}/file cannot be written: ")


@pytest.mark.parametrize("state", ["succeeded", "failed", "cancelled"])
def test_hparams_say_how_a_run_ended(tmp_path: Path, state: str) -> None:
    from tensorboard.plugins.hparams import api_pb2, metadata

    talk(tmp_path, {"run": "r", "begin": BEGIN, "end": {"state": state, "ended": 1009.0}})
    accumulator = EventAccumulator(str(tmp_path / "r"))
    accumulator.Reload()
    content = accumulator.PluginTagToContent("hparams")
    start = metadata.parse_session_start_info_plugin_data(content[metadata.SESSION_START_INFO_TAG])
    end = metadata.parse_session_end_info_plugin_data(content[metadata.SESSION_END_INFO_TAG])
    assert (start.group_name, start.hparams["lr"].number_value, start.hparams["dataset"].string_value) == (
        "c1",
        5e-5,
        "cqa",
    )
    wanted = {"succeeded": api_pb2.STATUS_SUCCESS, "failed": api_pb2.STATUS_FAILURE}
    assert end.status == wanted.get(state, api_pb2.STATUS_UNKNOWN)
    assert end.end_time_secs == 1009.0


def test_another_tool_is_refused(tmp_path: Path) -> None:
    status, answers = talk(tmp_path, kind="aim")
    assert status == 2
    assert answers == [{"error": {"code": "USAGE", "message": "expected tensorboard or wandb, got 'aim'", "hint": ""}}]
