from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from transformers import PreTrainedTokenizerFast

from dss_worker.config import ModelSource
from dss_worker.errors import WorkerError
from dss_worker.training.model import (
    check_vocabulary,
    copy_weights,
    load_model,
    load_tokenizer,
    restore_weights,
    special_ids,
)
from dss_worker.training.model_files import check_model_files
from tests.training.support import CPU, VOCABULARY, model_source, settings, tiny_model, write_model


def edit_config(source: ModelSource, **changes: object) -> ModelSource:
    path = source.directory / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    return model_source(source.directory)


def test_an_output_layer_of_its_own_survives_loading(tmp_path: Path) -> None:
    source = write_model(tmp_path, untied=True)
    model = load_model(source, settings(), device=CPU)
    assert model.lm_head.weight.data_ptr() != model.shared.weight.data_ptr()
    assert not torch.equal(model.lm_head.weight, model.shared.weight)
    expected = tiny_model(untied=True)
    for name, parameter in copy_weights(model).items():
        assert torch.equal(parameter, expected.get_parameter(name)), name


def test_copied_weights_are_restored_bit_for_bit_and_keep_the_layers_apart(tmp_path: Path) -> None:
    model = load_model(write_model(tmp_path, untied=True), settings(), device=CPU)
    kept = copy_weights(model)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(1.0)
    restore_weights(model, kept)
    assert {"lm_head.weight", "shared.weight"} <= kept.keys()
    assert all(torch.equal(value, kept[name]) for name, value in copy_weights(model).items())
    assert model.lm_head.weight.data_ptr() != model.shared.weight.data_ptr()


def test_tied_layers_stay_tied(tmp_path: Path) -> None:
    model = load_model(write_model(tmp_path, untied=False), settings(), device=CPU)
    kept = copy_weights(model)
    restore_weights(model, kept)
    assert "lm_head.weight" not in kept
    assert model.lm_head.weight.data_ptr() == model.shared.weight.data_ptr()


def test_the_trial_decides_on_dropout(tmp_path: Path) -> None:
    model = load_model(write_model(tmp_path, dropout_rate=0.1), settings(dropout=0.25), device=CPU)
    rates = {module.p for module in model.modules() if isinstance(module, torch.nn.Dropout)}
    attention = [module.dropout == 0.25 for module in model.modules() if type(module).__name__ == "T5Attention"]
    assert rates == {0.25}
    assert len(attention) == 3
    assert all(attention)
    assert model.training


def test_random_weights_are_the_seeds(tmp_path: Path) -> None:
    source = write_model(tmp_path, weights=False)
    first, again, other = (
        copy_weights(load_model(source, settings(init="random", seed=seed), device=CPU)) for seed in (3, 3, 4)
    )
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["shared.weight"], other["shared.weight"])


def test_weights_are_float32_whatever_the_checkpoint_says(tmp_path: Path) -> None:
    tiny_model().bfloat16().save_pretrained(str(tmp_path))
    model = load_model(model_source(tmp_path), settings(), device=CPU)
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}


def test_a_generation_config_has_no_say(tmp_path: Path) -> None:
    source = write_model(tmp_path)
    (tmp_path / "generation_config.json").write_text(json.dumps({"num_beams": 4, "forced_bos_token_id": 7}))
    model = load_model(source, settings(), device=CPU)
    assert (model.generation_config.num_beams, model.generation_config.forced_bos_token_id) == (None, None)


def test_a_missing_start_token_is_the_padding_token(tmp_path: Path) -> None:
    source = edit_config(write_model(tmp_path), decoder_start_token_id=None)
    assert special_ids(load_model(source, settings(), device=CPU)).start == 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model_type": "bart"}, 'expected "model_type": "t5", got \'bart\''),
        ({"eos_token_id": None}, "expected one of its 38 tokens in eos_token_id, got None"),
        ({"eos_token_id": [1, 2]}, r"in eos_token_id, got \[1, 2\]"),
        ({"pad_token_id": 99}, "in pad_token_id, got 99"),
        ({"d_model": "wide"}, "config.json cannot be read"),
        ({"d_ff": 64}, "its weights cannot be loaded|do not fit"),
        ({"num_layers": 2}, "do not fit config.json: missing keys: encoder.block.1"),
    ],
)
def test_a_config_that_does_not_fit_is_refused(tmp_path: Path, changes: dict[str, object], message: str) -> None:
    source = edit_config(write_model(tmp_path), **changes)
    with pytest.raises(WorkerError, match=message) as caught:
        load_model(source, settings(), device=CPU)
    assert (caught.value.code, caught.value.kind) == ("MODEL_INVALID", "user")


def test_only_safetensors_are_read(tmp_path: Path) -> None:
    source = write_model(tmp_path)
    torch.save(tiny_model().state_dict(), tmp_path / "pytorch_model.bin")
    (tmp_path / "model.safetensors").unlink()
    with pytest.raises(WorkerError, match="its weights cannot be loaded") as caught:
        load_model(source, settings(), device=CPU)
    assert "model.safetensors" in caught.value.hint


def test_broken_weights_are_refused(tmp_path: Path) -> None:
    source = write_model(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"\xff" * 100)
    with pytest.raises(WorkerError, match="its weights cannot be loaded"):
        load_model(source, settings(), device=CPU)


def test_a_directory_without_a_tokenizer_is_refused(tmp_path: Path) -> None:
    source = write_model(tmp_path)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (tmp_path / name).unlink()
    with pytest.raises(WorkerError, match="it has no tokenizer") as caught:
        load_tokenizer(source)
    assert caught.value.code == "MODEL_INVALID"


def test_a_tokenizer_of_another_model_is_refused(tmp_path: Path) -> None:
    source = write_model(tmp_path)
    model, tokenizer = load_model(source, settings(), device=CPU), load_tokenizer(source)
    check_vocabulary(source, model, tokenizer)
    assert isinstance(tokenizer, PreTrainedTokenizerFast)
    # Of as many tokens, the last of them further on than the model's.
    words = {word: number for number, word in enumerate(VOCABULARY[:-1])} | {VOCABULARY[-1]: 40_000}
    sparse_words = Tokenizer(WordLevel(words, unk_token="<unk>"))
    sparse = PreTrainedTokenizerFast(tokenizer_object=sparse_words, eos_token="</s>")  # type: ignore[no-untyped-call]
    with pytest.raises(WorkerError, match="its tokenizer has a token 40000, its model 38 tokens from 0 on"):
        check_vocabulary(source, model, sparse)
    tokenizer.add_tokens(["extra"])
    with pytest.raises(WorkerError, match="its tokenizer has 39 tokens, its model 38"):
        check_vocabulary(source, model, tokenizer)


def test_a_tokenizer_that_does_not_end_texts_is_refused(tmp_path: Path) -> None:
    source = write_model(tmp_path)
    path = tmp_path / "tokenizer.json"
    described = json.loads(path.read_text())
    path.write_text(json.dumps({**described, "post_processor": None}))
    with pytest.raises(WorkerError, match="does not end a text with its end-of-sequence token"):
        load_tokenizer(source)


def test_another_file_of_the_same_size_and_time_is_noticed(tmp_path: Path) -> None:
    link = tmp_path / "model"
    for name in ("one", "two"):
        write_model(tmp_path / name)
        # As reproducible archives have them.
        for path in (tmp_path / name).iterdir():
            os.utime(path, (1, 1))
    weights = tmp_path / "two" / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    os.utime(weights, (1, 1))
    link.symlink_to("one")
    source = model_source(link)
    check_model_files(source)
    link.unlink()
    link.symlink_to("two")
    with pytest.raises(WorkerError, match=r"model\.safetensors changed since the sweep was planned"):
        check_model_files(source)


def test_planned_files_are_those_that_are_there(tmp_path: Path) -> None:
    check_model_files(write_model(tmp_path))


def test_a_file_of_another_size_is_refused_and_not_described(tmp_path: Path) -> None:
    source = write_model(tmp_path)
    with (tmp_path / "config.json").open("a") as file:
        file.write(" ")
    size = source.files[0].size_bytes
    with pytest.raises(
        WorkerError, match=rf"config\.json changed .* expected {size} bytes with sha256 \w{{12}}…$"
    ) as caught:
        check_model_files(source)
    assert caught.value.code == "MODEL_CHANGED"
    assert str(size + 1) not in caught.value.message, "it may be any file of the machine"


def test_weights_of_the_same_size_but_other_content_are_refused(tmp_path: Path) -> None:
    source = write_model(tmp_path)
    check_model_files(source)
    weights = tmp_path / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    # Written within the clock's resolution, a file may keep its time of change.
    os.utime(weights, ns=(0, 0))
    with pytest.raises(WorkerError, match="with sha256"):
        check_model_files(source)


def test_a_file_that_is_gone_is_named(tmp_path: Path) -> None:
    source = write_model(tmp_path)
    (tmp_path / "model.safetensors").unlink()
    with pytest.raises(WorkerError, match=r"cannot read .*model\.safetensors: No such file") as caught:
        check_model_files(source)
    assert caught.value.code == "MODEL_MISSING"
