"""Which tensors a T5 of some config consists of, and whether a checkpoint holds them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from transformers import T5Config, T5ForConditionalGeneration

from dss_worker.data.answer import Refused

SHARED = "shared.weight"
OUTPUT = "lm_head.weight"
# Further names of the one input embedding.
ALIASES = ("encoder.embed_tokens.weight", "decoder.embed_tokens.weight")
# Training loads them all as float32, so that a file need not be larger than the one it comes from.
DTYPES = (torch.float32, torch.float16, torch.bfloat16)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shapes:
    """What a config asks for."""

    # By name; the output layer's among them, the aliases' not.
    shapes: Mapping[str, tuple[int, ...]]
    # Whether a checkpoint may leave the output layer out, which is then the input embedding.
    is_tied: bool


def shapes_of(directory: Path) -> Shapes:
    """Raises: Refused (MODEL_INVALID) for a config.json of something else."""
    try:
        values, _ = T5Config.get_config_dict(str(directory), local_files_only=True)
        kind = values.get("model_type")
        config = T5Config.from_pretrained(str(directory), local_files_only=True)
        with torch.device("meta"):
            tensors = T5ForConditionalGeneration(config).state_dict()
    except Exception as error:  # of transformers' checks, each of its own kind
        reason = " ".join(str(error).split())[:200]
        raise Refused("MODEL_INVALID", f"{directory / 'config.json'} cannot be read: {reason}") from error
    if kind != "t5":
        raise Refused(
            "MODEL_INVALID",
            f'{directory / "config.json"}: expected "model_type": "t5", got {kind!r}',
            "dss trains T5 only",
        )
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items() if name not in ALIASES}
    # Not of the config object: transformers 5 says there that every T5 is tied.
    return Shapes(shapes=shapes, is_tied=values.get("tie_word_embeddings") is not False)


def select_tensors(found: Mapping[str, Tensor], wanted: Shapes) -> tuple[dict[str, Tensor], list[str]]:
    """A checkpoint's tensors under the names that T5 is saved with, in the order of the names; and what is left out.

    The output layer is kept as soon as it differs from the input embedding, or the config says that it may.

    Raises: Refused (MODEL_INVALID) naming the first tensor that is missing, of another shape or type, or not finite.
    """
    chosen = {name: found[name] for name in sorted(wanted.shapes) if name in found}
    alias = next((name for name in ALIASES if name in found), None)
    if SHARED not in chosen and alias is not None:
        chosen = {SHARED: found[alias], **chosen}
    missing = [name for name in wanted.shapes if name not in chosen and not (name == OUTPUT and wanted.is_tied)]
    if missing:
        raise _unfit(f"{', '.join(missing[:3])}: missing ({len(missing)} of {len(wanted.shapes)} are)")
    for name, tensor in chosen.items():
        _check(name, tensor, wanted.shapes[name])
    for name in ALIASES:
        if name in found and not _is_same(found[name], chosen[SHARED]):
            raise _unfit(f"{name} differs from {SHARED}: T5's encoder and decoder read one embedding")
    if OUTPUT in chosen and wanted.is_tied and _is_same(chosen[OUTPUT], chosen[SHARED]):
        del chosen[OUTPUT]
    known = {*wanted.shapes, *ALIASES}
    return dict(sorted(chosen.items())), sorted(name for name in found if name not in known)


def _check(name: str, tensor: Tensor, shape: tuple[int, ...]) -> None:
    if tensor.layout != torch.strided or tensor.dtype not in DTYPES:
        what = str(tensor.dtype if tensor.layout == torch.strided else tensor.layout).removeprefix("torch.")
        raise _unfit(f"{name}: expected float32, float16 or bfloat16, got {what}")
    if tuple(tensor.shape) != shape:
        raise _unfit(f"{name}: expected the shape {list(shape)}, got {list(tensor.shape)}")
    if not torch.isfinite(tensor).all():
        raise _unfit(f"{name}: not all of its values are finite", "fetch the weights again, or take other ones")


def _is_same(ours: Tensor, theirs: Tensor) -> bool:
    return ours.dtype == theirs.dtype and torch.equal(ours, theirs)


def _unfit(what: str, hint: str = "config.json and weights must be of the same model") -> Refused:
    return Refused("MODEL_INVALID", f"the weights are not those of the T5 in config.json: {what}", hint)
