"""Models as torch pickles them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import torch
from transformers import T5ForConditionalGeneration

from tests.training.support import tiny_config, tiny_model, write_tokenizer


def write_config(directory: Path, **changes: object) -> None:
    """Says that the output layer is not tied unless told otherwise; a value of None is left out."""
    values = {**tiny_config().to_dict(), "tie_word_embeddings": False, **changes}
    # transformers works these out of feed_forward_proj.
    values.update(is_gated_act=None, dense_act_fn=None)
    text = json.dumps({key: value for key, value in values.items() if value is not None})
    (directory / "config.json").write_text(text)


def pickled_model(directory: Path, model: T5ForConditionalGeneration | None = None, **config: object) -> Path:
    """As a hub has it: config, tokenizer, and a pickle of every name that the model's tensors go by."""
    directory.mkdir(parents=True)
    write_config(directory, **config)
    write_tokenizer(directory)
    torch.save((model or tiny_model(0)).state_dict(), directory / "pytorch_model.bin")
    return directory


class Trap:
    """What a pickle may hold: unpickled without restrictions, it runs a command, which makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, (f"touch '{self.path}'",)
