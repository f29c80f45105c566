from __future__ import annotations

import pickle
from pathlib import Path

import pytest
import torch

from dss_worker.data.answer import Refused
from dss_worker.models.read_pickled import read_pickled
from tests.models.support import Trap


@pytest.mark.parametrize("is_new", [True, False], ids=["zip", "before torch 1.6"])
def test_tensors_are_read_by_name(is_new: bool, tmp_path: Path) -> None:
    tensors = {"a": torch.arange(3.0), "b": torch.ones(2, dtype=torch.bfloat16)}
    torch.save(tensors, tmp_path / "weights.bin", _use_new_zipfile_serialization=is_new)
    found = read_pickled(tmp_path / "weights.bin")
    assert {name: tensor.tolist() for name, tensor in found.items()} == {"a": [0, 1, 2], "b": [1, 1]}
    assert found["b"].dtype == torch.bfloat16


@pytest.mark.parametrize("is_new", [True, False], ids=["zip", "before torch 1.6"])
def test_what_would_run_is_refused_and_does_not_run(is_new: bool, tmp_path: Path) -> None:
    path, trap = tmp_path / "weights.bin", Trap(tmp_path / "sprung")
    torch.save({"a": torch.ones(1), "b": trap}, path, _use_new_zipfile_serialization=is_new)
    with pytest.raises(Refused, match=r"nothing in it was run: it asks for posix\.system, where only") as caught:
        read_pickled(path)
    assert not trap.path.exists()
    # torch's own advice is to read it without restrictions.
    assert "weights_only" not in caught.value.message + caught.value.hint
    # It is a trap: without restrictions, it springs.
    torch.load(path, weights_only=False)
    assert trap.path.exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"version https://git-lfs.github.com/spec/v1", "it is no file of torch.save, or a damaged one"),
        (b"", "it is no file of torch.save, or a damaged one"),
        (pickle.dumps({"a": 1}, protocol=2), "it is no file of torch.save, or a damaged one"),
    ],
    ids=["a pointer of git-lfs", "nothing", "a plain pickle"],
)
def test_what_torch_did_not_save_is_refused(content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "weights.bin").write_bytes(content)
    with pytest.raises(Refused) as caught:
        read_pickled(tmp_path / "weights.bin")
    assert message in caught.value.message


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([torch.ones(1)], "expected tensors by name, got a list"),
        ({"epoch": 3}, "expected tensors by name, got a int by the name 'epoch'"),
        ({3: torch.ones(1)}, "expected tensors by name, got a Tensor by the name 3"),
    ],
)
def test_only_tensors_by_name_are_taken(content: object, message: str, tmp_path: Path) -> None:
    torch.save(content, tmp_path / "weights.bin")
    with pytest.raises(Refused, match=message):
        read_pickled(tmp_path / "weights.bin")


def test_a_file_that_was_cut_short_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.bin"
    torch.save({"a": torch.ones(1000)}, path)
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(Refused, match="nothing in it was run"):
        read_pickled(path)
