from __future__ import annotations

import json
from pathlib import Path

import pytest

from dss_worker.data.answer import Refused
from dss_worker.models.import_model import import_model
from dss_worker.models.pickled_files import pickled_files


def directory_of(root: Path, files: dict[str, object]) -> Path:
    for name, value in files.items():
        (root / name).write_text(json.dumps(value))
    return root


def index_of(*parts: str) -> dict[str, object]:
    return {"weight_map": {str(number): part for number, part in enumerate(parts)}}


def test_weights_are_one_file_or_the_parts_that_an_index_names(tmp_path: Path) -> None:
    directory_of(
        tmp_path, {"pytorch_model.bin.index.json": index_of("b.bin", "a.bin", "b.bin"), "a.bin": 0, "b.bin": 0}
    )
    assert pickled_files(tmp_path) == ["a.bin", "b.bin"]
    directory_of(tmp_path, {"pytorch_model.bin": 0})
    assert pickled_files(tmp_path) == ["pytorch_model.bin"]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "has no weights: expected pytorch_model.bin"),
        (
            {"model.safetensors": 0, "pytorch_model.bin": 0},
            "has model.safetensors already: there is nothing to convert",
        ),
        ({"pytorch_model.bin.index.json": index_of("../a.bin")}, "names '../a.bin', where .bin files beside it"),
        ({"pytorch_model.bin.index.json": index_of("a.sh")}, "names 'a.sh', where .bin files beside it"),
        ({"pytorch_model.bin.index.json": index_of()}, "names nothing"),
        ({"pytorch_model.bin.index.json": []}, "is no index of weights"),
        ({"pytorch_model.bin.index.json": index_of("a.bin")}, "names a.bin, which is not there"),
    ],
)
def test_others_are_refused(files: dict[str, object], message: str, tmp_path: Path) -> None:
    with pytest.raises(Refused) as caught:
        pickled_files(directory_of(tmp_path, files))
    assert message in caught.value.message


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"pytorch_model.bin": 0}, "has no config.json"),
        ({"config.json": {}}, "has neither spiece.model nor tokenizer.json"),
    ],
)
def test_a_directory_that_is_no_model_is_refused_before_anything_is_read(
    files: dict[str, object], message: str, tmp_path: Path
) -> None:
    with pytest.raises(Refused, match=message):
        import_model({"directory": str(directory_of(tmp_path, files)), "out": str(tmp_path / "imported")})
