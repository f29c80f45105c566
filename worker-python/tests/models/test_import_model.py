"""Whole imports, by the processes that do them, of models of some thousand weights as torch pickles them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from dss_worker.config import ModelSource
from dss_worker.data.answer import Refused
from dss_worker.models.import_model import import_model
from dss_worker.models.import_record import ImportRecord
from dss_worker.training.model import load_model
from tests.hub import COMMIT, NAME, running_hub
from tests.models.support import Trap, pickled_model
from tests.training.support import CPU, settings, tiny_model

WORKER = Path(__file__).parents[2]


def import_directory(source: Path, out: Path) -> dict[str, Any]:
    return import_model({"directory": str(source), "out": str(out)})


def refused(source: Path, out: Path) -> Refused:
    """Why; and nothing is left."""
    before = sorted(out.parent.iterdir())
    with pytest.raises(Refused) as caught:
        import_directory(source, out)
    assert sorted(out.parent.iterdir()) == before
    return caught.value


def test_an_untied_model_is_the_same_bit_for_bit_stays_untied_and_is_on_record(tmp_path: Path) -> None:
    model = tiny_model(3)
    source, out = pickled_model(tmp_path / "source", model), tmp_path / "models" / "maker" / "imported"
    answer = import_directory(source, out)
    assert (answer["state"], answer["directory"], answer["has_output_layer"]) == ("imported", str(out), True)
    names = ["config.json", "dss-import.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"]
    assert sorted(path.name for path in out.iterdir()) == names
    assert {path.stat().st_mode & 0o777 for path in out.iterdir()} == {0o644}
    assert (out / "config.json").read_bytes() == (source / "config.json").read_bytes()

    stored = load_file(out / "model.safetensors")
    expected = dict(model.named_parameters())
    assert stored.keys() == expected.keys()
    assert all(torch.equal(tensor, expected[name]) for name, tensor in stored.items())

    loaded = load_model(ModelSource(directory=out, files=()), settings(), device=CPU)
    assert loaded.lm_head.weight.data_ptr() != loaded.shared.weight.data_ptr()
    assert torch.equal(loaded.lm_head.weight, model.lm_head.weight)
    assert torch.equal(loaded.shared.weight, model.shared.weight)

    record = ImportRecord.read(out)
    assert record is not None
    pickle = (source / "pytorch_model.bin").read_bytes()
    assert [(file.path, file.sha256) for file in record.source] == [("pytorch_model.bin", sha256(pickle).hexdigest())]
    assert all(file.sha256 == sha256((out / file.path).read_bytes()).hexdigest() for file in record.files)
    assert record.parameters == sum(parameter.numel() for parameter in model.parameters())
    assert record.dtypes == ("float32",)
    assert record.isolation in ("namespace", "settings")


def test_weights_in_parts_of_the_old_format_are_put_together(tmp_path: Path) -> None:
    source = pickled_model(tmp_path / "source")
    whole: dict[str, Tensor] = torch.load(source / "pytorch_model.bin", weights_only=True)
    (source / "pytorch_model.bin").unlink()
    parts = [f"pytorch_model-0000{number}-of-00002.bin" for number in (1, 2)]
    weight_map = {name: parts[number % 2] for number, name in enumerate(whole)}
    for part in parts:
        tensors = {name: tensor for name, tensor in whole.items() if weight_map[name] == part}
        # As torch wrote before it wrote zip archives, when T5 was published.
        torch.save(tensors, source / part, _use_new_zipfile_serialization=False)
    (source / "pytorch_model.bin.index.json").write_text(json.dumps({"weight_map": weight_map}))
    answer = import_directory(source, tmp_path / "imported")
    assert [file["path"] for file in answer["source"]] == parts
    stored = load_file(tmp_path / "imported" / "model.safetensors")
    assert all(torch.equal(tensor, whole[name]) for name, tensor in stored.items())


def test_a_pickle_that_would_run_something_is_refused_and_runs_nothing(tmp_path: Path) -> None:
    source = pickled_model(tmp_path / "source")
    trap = Trap(tmp_path / "source" / "sprung")
    torch.save({**tiny_model(0).state_dict(), "shared.weight": trap}, source / "pytorch_model.bin")
    error = refused(source, tmp_path / "imported")
    assert not trap.path.exists()
    assert error.code == "MODEL_INVALID"
    assert error.message.startswith(f"{source / 'pytorch_model.bin'} is refused and nothing in it was run")


def test_an_import_is_made_once_and_nothing_is_overwritten(tmp_path: Path) -> None:
    source, out = pickled_model(tmp_path / "source"), tmp_path / "imported"
    first = import_directory(source, out)
    again = import_directory(source, out)
    assert again == {**first, "state": "present"}
    torch.save(tiny_model(1).state_dict(), source / "pytorch_model.bin")
    assert refused(source, out).message == f"{out} is there already"
    (out / "model.safetensors").unlink()
    assert refused(source, out).message == f"{out} is there already"


HubParts = tuple[dict[str, bytes], dict[str, str], list[str]]


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[HubParts]:
    """A model on a hub, pickled; the environment that leads there, and what was asked."""
    source = pickled_model(tmp_path / "on-the-hub")
    with running_hub() as (files, env, asked):
        files.clear()
        files.update({path.name: path.read_bytes() for path in source.iterdir()})
        yield files, {**env, "HF_HOME": str(tmp_path / "cache")}, asked


def import_name(out: Path, env: dict[str, str], *, name: str = NAME) -> dict[str, Any]:
    """In a process, since the hub's library reads where the hub is only once."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("HF_", "HUGGINGFACE_"))}
    finished = subprocess.run(
        [sys.executable, "-m", "dss_worker.models.import_model"],
        input=json.dumps({"name": name, "out": str(out)}),
        capture_output=True,
        text=True,
        env={**clean, "PYTHONPATH": str(WORKER), **env},
        check=False,
    )
    assert finished.stdout, finished.stderr
    answer: dict[str, Any] = json.loads(finished.stdout)
    assert finished.returncode == (2 if "error" in answer else 0)
    return answer


def test_a_hub_model_is_fetched_and_converted_once(hub: HubParts, tmp_path: Path) -> None:
    files, env, asked = hub
    out = tmp_path / "models" / NAME
    answer = import_name(out, env)
    assert (answer["name"], answer["revision"], answer["state"]) == (NAME, COMMIT, "imported")
    assert answer["source"][0]["sha256"] == sha256(files["pytorch_model.bin"]).hexdigest()
    stored = load_file(out / "model.safetensors")
    assert torch.equal(stored["lm_head.weight"], tiny_model(0).lm_head.weight)
    asked.clear()
    assert import_name(out, env)["state"] == "present"
    assert asked == []


def test_a_hub_model_with_safetensors_is_left_to_the_sweep(hub: HubParts, tmp_path: Path) -> None:
    files, env, asked = hub
    files["model.safetensors"] = b"many gigabytes"
    error = import_name(tmp_path / "imported", env)["error"]
    assert "has its weights as safetensors: there is nothing to convert" in error["message"]
    assert not {"GET pytorch_model.bin", "GET model.safetensors"} & {*asked}


def test_a_hub_model_that_is_nowhere_is_missing(hub: HubParts, tmp_path: Path) -> None:
    error = import_name(tmp_path / "imported", hub[1], name="maker/other")["error"]
    assert error["code"] == "MODEL_MISSING"
    assert not (tmp_path / "imported").exists()
