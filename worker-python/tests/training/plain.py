"""The plain ways that evaluation is held against: transformers' forward pass and `generate`, everything padded."""

from __future__ import annotations

import numpy as np
import torch
from transformers import GenerationConfig, PreTrainedTokenizerBase, T5ForConditionalGeneration

from dss_worker.config import Metric
from dss_worker.data.encode import EncodedTask
from dss_worker.training.collate import collate_task
from dss_worker.training.metrics import is_right
from dss_worker.training.model import special_ids


def trained_for(steps: int, model: T5ForConditionalGeneration, task: EncodedTask, *, lr: float) -> None:
    """Trains on random batches of 32 rows, without dropout."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=0.0)
    model.train(mode=False)
    for step in range(steps):
        rows = np.random.default_rng(step).integers(0, len(task.targets), size=32)
        batch = collate_task(task, rows, special=special_ids(model)).to(model.device)
        output = model(input_ids=batch.input_ids, attention_mask=batch.attention_mask, labels=batch.targets)
        optimizer.zero_grad()
        torch.autograd.backward(output.loss)
        optimizer.step()
    model.train()


def generated(
    model: T5ForConditionalGeneration, task: EncodedTask, *, gen_max_len: int, batch_size: int = 500
) -> list[list[int]]:
    """All rows by `generate`: the tokens after the start token, up to and with the end token."""
    was_training = model.training
    model.train(mode=False)
    special = special_ids(model)
    config = GenerationConfig(  # type: ignore[no-untyped-call]
        max_length=gen_max_len,
        num_beams=1,
        do_sample=False,
        decoder_start_token_id=special.start,
        eos_token_id=special.end,
        pad_token_id=special.pad,
    )
    texts: list[list[int]] = []
    for start in range(0, len(task.inputs), batch_size):
        rows = np.arange(start, min(start + batch_size, len(task.inputs)))
        batch = collate_task(task, rows, special=special).to(model.device)
        ids = model.generate(input_ids=batch.input_ids, attention_mask=batch.attention_mask, generation_config=config)
        texts += [_to_end(row[1:], special.end) for row in ids.tolist()]
    model.train(was_training)
    return texts


def _to_end(tokens: list[int], end: int) -> list[int]:
    return tokens[: tokens.index(end) + 1] if end in tokens else tokens


def by_generation(
    model: T5ForConditionalGeneration,
    task: EncodedTask,
    tokenizer: PreTrainedTokenizerBase,
    *,
    metric: Metric,
    gen_max_len: int,
) -> list[bool]:
    """The released code's way: all rows generated from their inputs, decoded with their targets, compared."""
    texts = generated(model, task, gen_max_len=gen_max_len)
    targets = [task.targets.row(row).tolist() for row in range(len(task.targets))]
    return [
        is_right(decoded(prediction, tokenizer), decoded(target, tokenizer), metric=metric)
        for prediction, target in zip(texts, targets, strict=True)
    ]


def decoded(tokens: list[int], tokenizer: PreTrainedTokenizerBase) -> str:
    text = tokenizer.decode(tokens, skip_special_tokens=True)
    assert isinstance(text, str)
    return text
