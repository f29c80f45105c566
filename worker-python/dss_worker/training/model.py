"""T5 models and their tokenizers, from a local directory and nowhere else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor
from transformers import AutoTokenizer, GenerationConfig, PreTrainedTokenizerBase, T5Config, T5ForConditionalGeneration

from dss_worker.config import ModelSource, TrialSettings
from dss_worker.errors import WorkerError
from dss_worker.training.collate import SpecialIds
from dss_worker.training.trained import Parameterised

_TOKEN_IDS = ("pad_token_id", "decoder_start_token_id", "eos_token_id")

# Values of those of a model's parameters that are trained, by name: all of them unless it has an adapter.
Weights = dict[str, Tensor]


def load_tokenizer(source: ModelSource) -> PreTrainedTokenizerBase:
    """The tokenizer of spiece.model or tokenizer.json.

    Raises: WorkerError (MODEL_INVALID).
    """
    hint = "a T5 model's directory holds spiece.model or tokenizer.json"
    # Without either, transformers makes up a tokenizer that knows a handful of pieces.
    if not any((source.directory / name).exists() for name in ("spiece.model", "tokenizer.json")):
        raise invalid(source.directory, "it has no tokenizer", hint)
    try:
        tokenizer = AutoTokenizer.from_pretrained(str(source.directory), local_files_only=True, trust_remote_code=False)
    except Exception as error:
        raise invalid(source.directory, f"its tokenizer cannot be loaded: {_one_line(error)}", hint) from error
    if not isinstance(tokenizer, PreTrainedTokenizerBase):
        raise invalid(source.directory, f"its tokenizer is a {type(tokenizer).__name__}")
    if tokenizer.eos_token_id is None:
        hint = 'name it in tokenizer_config.json: "eos_token": "</s>"'
        raise invalid(source.directory, "its tokenizer has no end-of-sequence token", hint)
    if tokenizer("a").input_ids[-1:] != [tokenizer.eos_token_id]:
        hint = "T5's ends each text with it; a tokenizer.json says so in its post_processor"
        raise invalid(source.directory, "its tokenizer does not end a text with its end-of-sequence token", hint)
    return tokenizer


def load_model(source: ModelSource, settings: TrialSettings, *, device: torch.device) -> T5ForConditionalGeneration:
    """The trial's model in float32, in training mode.

    Weights are the directory's safetensors files, or with `init: random` drawn from the seed. An output layer of
    the checkpoint's own stays so: a fresh model's is tied to the embedding, real T5 v1.1 checkpoints hold both.

    Raises: WorkerError (MODEL_INVALID) for a directory that holds no such model.
    """
    config = config_of(source.directory, dropout=settings.dropout)
    torch.manual_seed(settings.seed)
    model = T5ForConditionalGeneration(config) if settings.init == "random" else _load_weights(source, config)
    settle_generation(model)
    model.train()
    model.to(device)  # type: ignore[arg-type]
    return model


def settle_generation(model: T5ForConditionalGeneration) -> None:
    """A generation_config.json is no part of a trial's identity, so it must not have a say in its results."""
    model.generation_config = GenerationConfig(  # type: ignore[no-untyped-call]
        decoder_start_token_id=model.config.decoder_start_token_id,
        eos_token_id=model.config.eos_token_id,
        pad_token_id=model.config.pad_token_id,
    )


def check_vocabulary(
    source: ModelSource, model: T5ForConditionalGeneration, tokenizer: PreTrainedTokenizerBase
) -> None:
    """Whether every token has an embedding and both agree on where a text ends.

    Raises: WorkerError (MODEL_INVALID).
    """
    config = model.config
    if len(tokenizer) > config.vocab_size:
        sizes = f"its tokenizer has {len(tokenizer)} tokens, its model {config.vocab_size}"
        raise invalid(source.directory, sizes, "tokenizer and config.json must be of the same model")
    highest = _highest_id(tokenizer)
    if highest >= config.vocab_size:
        ids = f"its tokenizer has a token {highest}, its model {config.vocab_size} tokens from 0 on"
        raise invalid(source.directory, ids, "tokenizer and config.json must be of the same model")
    if tokenizer.eos_token_id != config.eos_token_id:
        ids = f"{tokenizer.eos_token_id}, its model's {config.eos_token_id}"
        raise invalid(source.directory, f"its tokenizer's end-of-sequence token is {ids}")


# Of tokenizers that are kept for many trials: looking through all tokens takes as long as half a step.
_HIGHEST_IDS = WeakKeyDictionary[PreTrainedTokenizerBase, int]()


def _highest_id(tokenizer: PreTrainedTokenizerBase) -> int:
    if tokenizer not in _HIGHEST_IDS:
        _HIGHEST_IDS[tokenizer] = max(tokenizer.get_vocab().values(), default=-1)
    return _HIGHEST_IDS[tokenizer]


def special_ids(model: T5ForConditionalGeneration) -> SpecialIds:
    ids = {name: getattr(model.config, name) for name in _TOKEN_IDS}
    return SpecialIds(pad=ids["pad_token_id"], start=ids["decoder_start_token_id"], end=ids["eos_token_id"])


def trained_weights(model: Parameterised) -> Weights:
    """Not copied. Tied parameters come once: named_parameters() knows them by one name only."""
    return {name: each.detach() for name, each in model.named_parameters() if each.requires_grad}


def copy_weights(model: Parameterised) -> Weights:
    """A copy in ordinary memory."""
    return {name: weight.to("cpu", copy=True) for name, weight in trained_weights(model).items()}


@torch.no_grad()
def restore_weights(model: Parameterised, weights: Weights) -> None:
    """In place, so that tied parameters stay tied and separate ones separate.

    Raises: ValueError if they are another model's.
    """
    ours = trained_weights(model)
    if ours.keys() != weights.keys():
        different = min(ours.keys() ^ weights.keys())
        raise ValueError(f"the weights do not fit the model: {different} is on one side only")
    for name, weight in ours.items():
        weight.copy_(weights[name])


@contextmanager
def other_weights(model: Parameterised, weights: Weights) -> Iterator[None]:
    """The model has these weights within, and its own again after."""
    own = copy_weights(model)
    restore_weights(model, weights)
    try:
        yield
    finally:
        restore_weights(model, own)


def config_of(directory: Path, *, dropout: float) -> T5Config:
    """Raises: WorkerError (MODEL_INVALID)."""
    path = directory / "config.json"
    try:
        kind = json.loads(path.read_text(encoding="utf-8")).get("model_type")
        # Every dropout layer and the attention read this one rate, when they are built.
        config = T5Config.from_pretrained(str(directory), local_files_only=True, dropout_rate=dropout)
    except Exception as error:
        raise invalid(directory, f"config.json cannot be read: {_one_line(error)}") from error
    if kind != "t5":
        raise invalid(directory, f'config.json: expected "model_type": "t5", got {kind!r}', "dss trains T5 only")
    if getattr(config, "decoder_start_token_id", None) is None:
        config.decoder_start_token_id = config.pad_token_id  # What every T5 was trained with.
    for name in _TOKEN_IDS:
        value = getattr(config, name)
        if not isinstance(value, int) or not 0 <= value < config.vocab_size:
            raise invalid(
                directory, f"config.json: expected one of its {config.vocab_size} tokens in {name}, got {value!r}"
            )
    return config


def _load_weights(source: ModelSource, config: T5Config) -> T5ForConditionalGeneration:
    check_no_adapter(source.directory)
    try:
        loaded: Any = T5ForConditionalGeneration.from_pretrained(
            str(source.directory),
            config=config,
            dtype=torch.float32,
            use_safetensors=True,
            local_files_only=True,
            trust_remote_code=False,
            output_loading_info=True,
        )
    except Exception as error:
        hint = "a T5 model's directory holds config.json and model.safetensors; init: random needs no weights"
        raise invalid(source.directory, f"its weights cannot be loaded: {_one_line(error)}", hint) from error
    model: T5ForConditionalGeneration = loaded[0]
    info: dict[str, set[str]] = loaded[1]
    for what in ("missing_keys", "mismatched_keys"):
        if info[what]:
            names = ", ".join(sorted(str(key) for key in info[what])[:3])
            raise invalid(source.directory, f"its weights do not fit config.json: {what.replace('_', ' ')}: {names}")
    return model


def check_no_adapter(directory: Path) -> None:
    """Raises: WorkerError (MODEL_INVALID)."""
    # With peft, transformers would load it too; no plan has its content in a trial's id.
    if (directory / "adapter_config.json").exists():
        hint = "merge the adapter into the weights, or move adapter_config.json away"
        raise invalid(directory, "it holds an adapter (adapter_config.json) beside the weights", hint)


def invalid(directory: Path, what: str, hint: str = "") -> WorkerError:
    return WorkerError("MODEL_INVALID", f"model {directory}: {what}", hint=hint)


def _one_line(error: Exception) -> str:
    """transformers, safetensors and the hub's library each raise errors of their own, of several lines and long."""
    return " ".join(str(error).split())[:300] or type(error).__name__
