from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from dss_worker.data.answer import Refused
from dss_worker.models.t5_tensors import select_tensors, shapes_of
from tests.models.support import write_config
from tests.training.support import tiny_model

Tensors = dict[str, Tensor]
WI = "encoder.block.0.layer.1.DenseReluDense.wi_0.weight"


def select(directory: Path, tensors: Tensors, **config: object) -> tuple[Tensors, list[str]]:
    write_config(directory, **config)
    return select_tensors(tensors, shapes_of(directory))


@pytest.mark.parametrize("feed_forward", ["gated-gelu", "relu"])
def test_each_tensor_is_taken_once_under_the_name_that_t5_is_saved_with(feed_forward: str, tmp_path: Path) -> None:
    model = tiny_model(0, feed_forward_proj=feed_forward)
    tensors, left_out = select(tmp_path, model.state_dict(), feed_forward_proj=feed_forward)
    assert list(tensors) == sorted(name for name, _ in model.named_parameters())
    assert all(torch.equal(tensors[name], parameter) for name, parameter in model.named_parameters())
    assert left_out == []


def test_an_output_layer_that_is_the_embedding_is_left_out_where_the_config_ties_them(tmp_path: Path) -> None:
    tied = tiny_model(0, untied=False).state_dict()
    assert "lm_head.weight" not in select(tmp_path, tied, tie_word_embeddings=True)[0]
    assert "lm_head.weight" not in select(tmp_path, tied, tie_word_embeddings=None)[0]
    assert "lm_head.weight" in select(tmp_path, tied, tie_word_embeddings=False)[0]
    untied = tiny_model(0).state_dict()
    assert torch.equal(
        select(tmp_path, untied, tie_word_embeddings=True)[0]["lm_head.weight"], untied["lm_head.weight"]
    )


def test_the_embedding_is_found_under_each_of_its_names(tmp_path: Path) -> None:
    full = tiny_model(0).state_dict()
    for name in ("encoder.embed_tokens.weight", "decoder.embed_tokens.weight"):
        some = {key: tensor for key, tensor in full.items() if "embed" not in key and "shared" not in key}
        tensors, _ = select(tmp_path, {**some, name: full["shared.weight"]})
        assert torch.equal(tensors["shared.weight"], full["shared.weight"])
        assert name not in tensors


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_the_type_of_the_weights_is_kept(dtype: torch.dtype, tmp_path: Path) -> None:
    half = {name: tensor.to(dtype) for name, tensor in tiny_model(0).state_dict().items()}
    assert {tensor.dtype for tensor in select(tmp_path, half)[0].values()} == {dtype}


def test_tensors_that_are_no_part_of_t5_are_left_out_and_named(tmp_path: Path) -> None:
    # Published checkpoints have it, though no layer of theirs ever read it.
    old = "decoder.block.0.layer.1.EncDecAttention.relative_attention_bias.weight"
    tensors, left_out = select(tmp_path, {**tiny_model(0).state_dict(), old: torch.zeros(32, 4)})
    assert old not in tensors
    assert left_out == [old]


def changed(name: str, value: Tensor) -> Callable[[Tensors], Tensors]:
    def change(tensors: Tensors) -> Tensors:
        return {**tensors, name: value}

    return change


def without(name: str) -> Callable[[Tensors], Tensors]:
    def change(tensors: Tensors) -> Tensors:
        return {key: value for key, value in tensors.items() if key != name}

    return change


BAD: list[tuple[str, Callable[[Tensors], Tensors], str]] = [
    ("a missing tensor", without(WI), f"{WI}: missing (1 of 29 are)"),
    ("no output layer", without("lm_head.weight"), "lm_head.weight: missing"),
    ("another shape", changed(WI, torch.zeros(32, 48)), f"{WI}: expected the shape [48, 32], got [32, 48]"),
    ("whole numbers", changed(WI, torch.zeros(48, 32, dtype=torch.int8)), f"{WI}: expected float32, float16"),
    ("a sparse tensor", changed(WI, torch.zeros(48, 32).to_sparse()), "bfloat16, got sparse_coo"),
    ("a NaN", changed(WI, torch.full((48, 32), torch.nan)), f"{WI}: not all of its values are finite"),
    ("an infinity", changed("lm_head.weight", torch.full((38, 32), torch.inf)), "lm_head.weight: not all of"),
    ("two embeddings", changed("encoder.embed_tokens.weight", torch.zeros(38, 32)), "embed_tokens.weight differs"),
]


@pytest.mark.parametrize(("change", "message"), [each[1:] for each in BAD], ids=[each[0] for each in BAD])
def test_weights_that_are_not_those_of_the_config_are_refused_by_name(
    change: Callable[[Tensors], Tensors], message: str, tmp_path: Path
) -> None:
    with pytest.raises(Refused) as caught:
        select(tmp_path, change(tiny_model(0).state_dict()))
    assert caught.value.code == "MODEL_INVALID"
    assert message in caught.value.message


def test_a_config_of_another_model_is_refused(tmp_path: Path) -> None:
    write_config(tmp_path, model_type="bart")
    with pytest.raises(Refused, match='expected "model_type": "t5", got \'bart\''):
        shapes_of(tmp_path)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(Refused, match=r"config\.json cannot be read"):
        shapes_of(tmp_path)
