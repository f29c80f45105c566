"""What is written of a trial, when, and what of it is read again."""

from __future__ import annotations

import errno
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from math import inf
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from dss_worker.config import RunOptions
from dss_worker.messages import Evaluation, TrainingPoint
from dss_worker.training import checkpoint_folder
from dss_worker.training.checkpoint import Checkpoint, Identity, Selected
from dss_worker.training.checkpoint_folder import CheckpointFolder
from dss_worker.training.checkpoints import Checkpoints
from dss_worker.training.monitor import Tally
from tests.training.support import micro_batches

IDENTITY: Identity = {"format": 1, "trial": "a", "setting lr": 0.1}


def checkpoint(step: int) -> Checkpoint:
    torch.manual_seed(step)
    weights = {"shared.weight": torch.randn(3, 2), "encoder.o.weight": torch.randn(2)}
    return Checkpoint(
        step=step,
        weights=weights,
        stepper={"optimizer/shared.weight/step": torch.tensor(2.0), "random-cpu": torch.get_rng_state()},
        plan=micro_batches(4, passes=2),
        selected=Selected(step=step - 1, accuracy=1 / 3, weights={name: each + 1 for name, each in weights.items()}),
        loss_sum=0.1 + 0.2,
        training=(TrainingPoint(step=step - 1, loss=inf),),
        evaluations=(Evaluation(step=step - 1, split="valid", loss=0.1, accuracy=1 / 3, rows=3, correct=b"\x04"),),
        tally=Tally(seconds=0.7, rows=99),
    )


def folder(directory: Path, **changes: object) -> CheckpointFolder:
    return CheckpointFolder(directory, identity={**IDENTITY, **changes})


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def assert_equal(found: Checkpoint | None, expected: Checkpoint) -> None:
    assert found is not None
    assert found.to_json() == expected.to_json()
    ours, theirs = expected.tensors(), found.tensors()
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) and ours[name].dtype == theirs[name].dtype for name in ours)


def test_what_was_saved_is_found(tmp_path: Path) -> None:
    assert folder(tmp_path / "none").find() is None
    folder(tmp_path).save(checkpoint(12))
    assert_equal(folder(tmp_path).find(), checkpoint(12))
    files = {"tensors.safetensors", "state.json", "manifest.json"}
    assert {path.name for path in (tmp_path / "step-00000012").iterdir()} == files


def test_two_are_kept(tmp_path: Path) -> None:
    ours = folder(tmp_path)
    for step in (2, 4, 6, 8):
        ours.save(checkpoint(step))
    assert names(tmp_path) == ["step-00000006", "step-00000008"]
    assert_equal(folder(tmp_path).find(), checkpoint(8))


def test_steps_are_compared_as_numbers(tmp_path: Path) -> None:
    ours = folder(tmp_path)
    for step in (99_999_999, 100_000_000):
        ours.save(checkpoint(step))
    found = folder(tmp_path).find()
    assert found is not None
    assert found.step == 100_000_000


def test_a_step_may_be_saved_again(tmp_path: Path) -> None:
    ours = folder(tmp_path)
    ours.save(checkpoint(2))
    ours.save(replace(checkpoint(2), loss_sum=5.0))
    assert_equal(folder(tmp_path).find(), replace(checkpoint(2), loss_sum=5.0))


def edit_state(path: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    """With a manifest that agrees: as another program would have written it."""
    state, manifest = path / "state.json", path / "manifest.json"
    value = json.loads(state.read_text())
    edit(value)
    state.write_text(json.dumps(value))
    described = json.loads(manifest.read_text())
    content = state.read_bytes()
    described["files"]["state.json"] = {"bytes": len(content), "sha256": sha256(content).hexdigest()}
    manifest.write_text(json.dumps(described))


def cut(path: Path, size_bytes: int) -> None:
    path.write_bytes(path.read_bytes()[:size_bytes])


def flip(path: Path, position: int) -> None:
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    path.write_bytes(content)


def replace_by_file(path: Path) -> None:
    shutil.rmtree(path)
    path.write_text("")


DAMAGES: list[tuple[Callable[[Path], object], str]] = [
    (lambda path: (path / "manifest.json").unlink(), "manifest.json cannot be read: No such file or directory"),
    (lambda path: cut(path / "manifest.json", 40), "manifest.json is no JSON"),
    (lambda path: (path / "manifest.json").write_text("[]"), "manifest.json holds a list, no object"),
    (lambda path: (path / "manifest.json").write_text("{}"), "KeyError: 'files'"),
    (lambda path: (path / "manifest.json").write_bytes(b"\xff"), "manifest.json is no JSON"),
    (lambda path: (path / "manifest.json").write_text("[" * 200_000), "manifest.json is no JSON"),
    (lambda path: (path / "tensors.safetensors").unlink(), "tensors.safetensors cannot be read: No such file"),
    (lambda path: cut(path / "tensors.safetensors", 900), "tensors.safetensors has 900 bytes, its manifest says"),
    (lambda path: flip(path / "tensors.safetensors", -1), "tensors.safetensors has changed: sha256"),
    (lambda path: (path / "state.json").unlink(), "state.json cannot be read: No such file"),
    (lambda path: cut(path / "state.json", 10), "state.json has 10 bytes"),
    (lambda path: flip(path / "state.json", 30), "state.json has changed: sha256"),
    (lambda path: edit_state(path, lambda value: value.pop("curve")), "KeyError: 'curve'"),
    (lambda path: edit_state(path, lambda value: value["tally"].update(more=1)), "TypeError"),
    (lambda path: edit_state(path, lambda value: value["curve"].update(kind="Ready", versions={})), "TypeError"),
    (lambda path: edit_state(path, lambda value: value.update(step=7)), "it is of step 7"),
    (replace_by_file, "manifest.json cannot be read: Not a directory"),
]


@pytest.mark.parametrize(("damage", "reason"), DAMAGES, ids=[reason for _, reason in DAMAGES])
def test_a_damaged_checkpoint_is_named_and_the_one_before_taken(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], damage: Callable[[Path], object], reason: str
) -> None:
    ours = folder(tmp_path)
    ours.save(checkpoint(2))
    ours.save(checkpoint(4))
    damage(tmp_path / "step-00000004")
    assert_equal(folder(tmp_path).find(), checkpoint(2))
    assert f"checkpoint step-00000004 is passed over: {reason}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"trial": "b"}, "its trial is 'b', this trial's is 'a'"),
        ({"setting lr": 0.2}, "its setting lr is 0.2, this trial's is 0.1"),
        ({"torch version": "1.0"}, "its torch version is '1.0', this trial's is None"),
    ],
)
def test_a_foreign_checkpoint_is_named_and_the_one_before_taken(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], changes: dict[str, Any], reason: str
) -> None:
    folder(tmp_path).save(checkpoint(2))
    folder(tmp_path / "theirs", **changes).save(checkpoint(4))
    shutil.move(tmp_path / "theirs" / "step-00000004", tmp_path / "step-00000004")
    assert_equal(folder(tmp_path).find(), checkpoint(2))
    assert f"checkpoint step-00000004 is passed over: {reason}" in capsys.readouterr().out


def test_one_that_cannot_be_removed_is_said_and_left(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = folder(tmp_path)
    for step in (2, 4):
        ours.save(checkpoint(step))

    # As a file that another machine has open on NFS, or one that is immutable.
    def refused(path: Path, **_: object) -> None:
        raise OSError(f"{path.name}: operation not permitted")

    monkeypatch.setattr(shutil, "rmtree", refused)
    ours.save(checkpoint(6))
    assert "checkpoint step-00000002 could not be removed: step-00000002: operation not" in capsys.readouterr().out
    assert_equal(folder(tmp_path).find(), checkpoint(6))


@pytest.mark.parametrize(
    "full", [OSError(errno.ENOSPC, "No space left on device"), SafetensorError("I/O error: No space left on device")]
)
def test_on_a_disk_with_room_for_two_the_older_one_makes_room(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, full: Exception
) -> None:
    ours, write = folder(tmp_path), checkpoint_folder._write_tensors

    def write_if_there_is_room(path: Path, of: Checkpoint, *, prefix: str = "") -> dict[str, Any]:
        if len(names(tmp_path)) > 2:
            raise full
        return write(path, of, prefix=prefix)

    monkeypatch.setattr(checkpoint_folder, "_write_tensors", write_if_there_is_room)
    for step in (2, 4, 6):
        ours.save(checkpoint(step))
    assert names(tmp_path) == ["step-00000004", "step-00000006"]
    assert "the disk is full: step-00000002 makes room for step-00000006" in capsys.readouterr().out
    assert_equal(folder(tmp_path).find(), checkpoint(6))
    # Where the newest has no room beside the one before, that one stays.
    monkeypatch.setattr(checkpoint_folder, "_write_tensors", lambda *_, **__: (_ for _ in ()).throw(full))
    with pytest.raises(type(full)):
        ours.save(checkpoint(8))
    assert_equal(folder(tmp_path).find(), checkpoint(6))


def test_where_none_is_sound_none_is_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ours = folder(tmp_path)
    for step in (2, 4):
        ours.save(checkpoint(step))
        cut(tmp_path / f"step-0000000{step}" / "state.json", 3)
    assert folder(tmp_path).find() is None
    assert capsys.readouterr().out.count("is passed over") == 2


def test_a_damaged_one_does_not_take_the_place_of_a_sound_one(tmp_path: Path) -> None:
    ours = folder(tmp_path)
    for step in (2, 4):
        ours.save(checkpoint(step))
    cut(tmp_path / "step-00000004" / "state.json", 3)
    again = folder(tmp_path)
    again.find()
    again.save(checkpoint(3))
    assert names(tmp_path) == ["step-00000002", "step-00000003"]


def test_what_a_killed_process_left_half_written_is_not_read_but_removed(tmp_path: Path) -> None:
    ours = folder(tmp_path)
    ours.save(checkpoint(2))
    shutil.copytree(tmp_path / "step-00000002", tmp_path / ".unfinished-step-00000004-0a")
    assert_equal(folder(tmp_path).find(), checkpoint(2))
    assert names(tmp_path) == ["step-00000002"]


def test_other_files_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "step-2").mkdir()
    (tmp_path / "notes.txt").write_text("mine")
    ours = folder(tmp_path)
    ours.find()
    ours.save(checkpoint(2))
    assert names(tmp_path) == ["notes.txt", "step-00000002", "step-2"]


def test_no_tensor_is_there_twice(tmp_path: Path) -> None:
    folder(tmp_path).save(checkpoint(2))
    stored = load_file(tmp_path / "step-00000002" / "tensors.safetensors")
    assert {name.split("/")[0] for name in stored} == {"model", "selected", "stepper"}
    assert len(stored) == 2 + 2 + 2


class Clock:
    def __init__(self) -> None:
        self.time = 100.0
        # What a look at it takes.
        self.step = 0.0

    def __call__(self) -> float:
        self.time += self.step
        return self.time


def checkpoints(directory: Path | None, clock: Clock, *, steps: int = 0) -> Checkpoints:
    return Checkpoints(RunOptions(directory=directory, checkpoint_steps=steps), identity=IDENTITY, now=clock)


def test_every_so_many_steps_whatever_the_time(tmp_path: Path) -> None:
    clock = Clock()
    ours = checkpoints(tmp_path, clock, steps=3)
    ours.begin(10**9)
    assert [step for step in range(1, 10) if ours.is_due(step)] == [3, 6, 9]
    clock.time += 10_000
    assert not ours.is_due(4)


def test_by_time_the_first_follows_from_the_size_the_others_from_the_last(tmp_path: Path) -> None:
    clock = Clock()
    ours = checkpoints(tmp_path, clock)
    # 2 GB take ten seconds on a slow disk, and those are 2 % of 500.
    ours.begin(2 * 10**9)
    clock.time += 499
    assert not ours.is_due(5)
    clock.time += 1
    assert ours.is_due(5)
    # As if each look at the clock took three seconds: so does the save.
    clock.step = 3.0
    ours.save(checkpoint(5))
    clock.step = 0.0
    clock.time += 149
    assert not ours.is_due(6)
    clock.time += 1
    assert ours.is_due(6)


def test_by_time_at_most_every_half_minute(tmp_path: Path) -> None:
    clock = Clock()
    ours = checkpoints(tmp_path, clock)
    ours.begin(1)
    clock.time += 29
    assert not ours.is_due(1)
    clock.time += 1
    assert ours.is_due(1)
    ours.save(checkpoint(1))
    clock.time += 29
    assert not ours.is_due(2)
    clock.time += 1
    assert ours.is_due(2)


def test_no_step_is_due_twice_nor_one_that_it_went_on_from(tmp_path: Path) -> None:
    clock = Clock()
    ours = checkpoints(tmp_path, clock, steps=2)
    ours.save(checkpoint(4))
    assert not ours.is_due(4)
    again = checkpoints(tmp_path, clock, steps=2)
    assert again.find() is not None
    assert (again.saved_step, again.is_due(4), again.is_due(6)) == (4, False, True)


def test_without_a_directory_nothing_is_due(tmp_path: Path) -> None:
    ours = checkpoints(None, Clock(), steps=1)
    assert not ours.is_due(1)
    ours.save(checkpoint(1))
    assert (ours.find(), ours.saved_step) == (None, 0)


def test_a_save_that_fails_is_said_and_leaves_the_one_before(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ours = checkpoints(tmp_path / "trial", Clock(), steps=1)
    ours.save(checkpoint(1))
    kept = tmp_path / "trial" / "checkpoints"
    kept.rename(tmp_path / "aside")
    kept.write_text("in the way")
    ours.save(checkpoint(2))
    assert "the checkpoint of step 2 could not be saved: [Errno" in capsys.readouterr().out
    assert ours.saved_step == 1
    kept.unlink()
    (tmp_path / "aside").rename(kept)
    assert_equal(ours.find(), checkpoint(1))
