"""Everything that a trial computed, to the last bit. As a program: of a trial that is its process's first."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from hashlib import sha256
from unittest.mock import patch

import torch
from transformers import T5ForConditionalGeneration

from dss_worker.config import TrialConfig
from dss_worker.training.runner import TrialRunner
from dss_worker.training.warm_cache import WarmCache
from tests.training.support import CPU, Recorder, never

_load = WarmCache.model


def digest_of_trial(
    runner: TrialRunner, config: TrialConfig, *, should_stop: Callable[[], bool] = never
) -> dict[str, object]:
    """Losses in full, correctness bits, and a hash of the weights at the end."""
    models: list[T5ForConditionalGeneration] = []

    def load_and_note(warm: WarmCache, config: TrialConfig, *, device: torch.device) -> T5ForConditionalGeneration:
        models.append(_load(warm, config, device=device))
        return models[-1]

    recorder = Recorder()
    with patch.object(WarmCache, "model", load_and_note):
        result = runner.run(config, reporter=recorder, should_stop=should_stop)
    weights = sha256()
    for name, parameter in models[-1].named_parameters():
        weights.update(name.encode() + parameter.detach().numpy().tobytes())
    return {
        "training": [[point.step, point.loss.hex()] for point in recorder.training],
        "evaluations": [[each.step, each.split, each.loss.hex(), each.correct.hex()] for each in recorder.evaluations],
        "test_accuracy": result.test_accuracy.hex(),
        "selected_step": result.selected_step,
        "weights": weights.hexdigest(),
    }


def killed_at(beat: int) -> Callable[[], bool]:
    """A `should_stop` that ends the process by SIGKILL when it is asked so often."""
    beats = 0

    def should_stop() -> bool:
        nonlocal beats
        beats += 1
        if beats == beat:
            os.kill(os.getpid(), signal.SIGKILL)
        return False

    return should_stop


def main() -> None:
    """The trial on stdin; the beat to be killed at as an argument, if at all. The digest is the last line."""
    torch.set_num_threads(1)
    config = TrialConfig.from_json(json.load(sys.stdin))
    should_stop = killed_at(int(sys.argv[1])) if len(sys.argv) > 1 else never
    json.dump(digest_of_trial(TrialRunner(device=CPU), config, should_stop=should_stop), sys.stdout)


if __name__ == "__main__":
    main()
