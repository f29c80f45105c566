"""Everything that a trial computed, to the last bit. As a program: of a trial that is its process's first."""

from __future__ import annotations

import json
import sys
from hashlib import sha256
from unittest.mock import patch

import torch
from transformers import T5ForConditionalGeneration

from dss_worker.config import ModelSource, TrialConfig, TrialSettings
from dss_worker.training import loop
from dss_worker.training.model import load_model
from dss_worker.training.runner import TrialRunner
from tests.training.support import CPU, Recorder, never


def digest_of_trial(runner: TrialRunner, config: TrialConfig) -> dict[str, object]:
    """Losses in full, correctness bits, and a hash of the weights at the end."""
    models: list[T5ForConditionalGeneration] = []

    def load_and_keep(
        source: ModelSource, settings: TrialSettings, *, device: torch.device
    ) -> T5ForConditionalGeneration:
        models.append(load_model(source, settings, device=device))
        return models[-1]

    recorder = Recorder()
    with patch.object(loop, "load_model", load_and_keep):
        result = runner.run(config, reporter=recorder, should_stop=never)
    weights = sha256()
    for name, parameter in models[-1].named_parameters():
        weights.update(name.encode() + parameter.detach().numpy().tobytes())
    return {
        "training": [[point.step, point.loss.hex()] for point in recorder.training],
        "evaluations": [[each.step, each.split, each.loss.hex(), each.correct.hex()] for each in recorder.evaluations],
        "test_accuracy": result.test_accuracy.hex(),
        "weights": weights.hexdigest(),
    }


def main() -> None:
    torch.set_num_threads(1)
    config = TrialConfig.from_json(json.load(sys.stdin))
    json.dump(digest_of_trial(TrialRunner(device=CPU), config), sys.stdout)


if __name__ == "__main__":
    main()
