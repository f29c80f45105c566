"""As a program: what two steps need, as it was predicted and as it was, in bytes, of a process that does no more."""

from __future__ import annotations

import json
import sys
from typing import Any

import numpy as np
import torch

from dss_worker.config import RunOptions
from dss_worker.data.encode import EncodedSplit, EncodedTask
from dss_worker.data.tokens import TokenTable
from dss_worker.training.batches import TrainingBatches
from dss_worker.training.memory import ModelSize, predict_memory
from dss_worker.training.memory_watch import MemoryWatch
from dss_worker.training.micro_batches import plan_micro_batches
from dss_worker.training.model import special_ids
from dss_worker.training.sampler import BatchOrder
from dss_worker.training.step import Stepper
from dss_worker.training.trained import WholeModel
from tests.training.support import CPU, settings, tiny_model, token_table

SHAPE: dict[str, Any] = {
    "d_model": 128, "d_kv": 32, "d_ff": 512, "num_layers": 3, "num_decoder_layers": 3, "vocab_size": 4_000
}  # fmt: skip


def split_of(longest: int) -> EncodedSplit:
    draw = np.random.default_rng(0)

    def table(longest: int) -> TokenTable:
        lengths = draw.integers(longest // 2, longest, size=256)
        return token_table(draw.integers(3, 4_000, size=n).tolist() for n in lengths)

    return EncodedSplit(EncodedTask(table(longest), table(6)), EncodedTask(table(longest), table(longest // 2)))


def main(*, batch_size: int, longest: int) -> None:
    torch.set_num_threads(1)
    trial = settings(select="compat", dropout=0.1, batch_size=batch_size)
    split = split_of(longest)
    watch = MemoryWatch(CPU)
    model = tiny_model(dropout_rate=trial.dropout, **SHAPE)
    plan = plan_micro_batches(trial, RunOptions(), config=model.config, device=CPU)
    stepper = Stepper(model, lr=1e-4, max_steps=2, precision=trial.precision, plan=plan)
    order = BatchOrder(rows=len(split), batch_rows=trial.batch_size, seed=0)
    batches = TrainingBatches(split, order, alpha=trial.alpha, special=special_ids(model), max_steps=2, device=CPU)
    for step in range(2):
        stepper.take(batches.passes(step))
    predicted = predict_memory(
        ModelSize.of_model(model, WholeModel(model), is_warm=False),
        trial,
        plan,
        split,
        device=CPU,
        process_bytes=watch.process_bytes,
    )
    json.dump({"predicted": predicted, "seen": watch.peak_bytes, "process": watch.process_bytes}, sys.stdout)


if __name__ == "__main__":
    main(batch_size=int(sys.argv[1]), longest=int(sys.argv[2]))
