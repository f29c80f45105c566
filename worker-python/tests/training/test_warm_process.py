"""A trial after others equals the same trial in a fresh process, bit for bit on a CPU."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dss_worker.config import TrialConfig
from dss_worker.training.runner import TrialRunner
from tests.training.support import CPU, settings, trial, write_model
from tests.training.trial_digest import digest_of_trial

PROJECT = Path(__file__).parents[2]


def in_a_fresh_process(config: TrialConfig) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.training.trial_digest"],
        cwd=PROJECT,
        input=json.dumps(config.to_json()),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    digest: dict[str, Any] = json.loads(done.stdout)
    return digest


@pytest.mark.parametrize("init", ["pretrained", "random"])
def test_a_trial_after_others_equals_itself_in_a_fresh_process(tmp_path: Path, init: str) -> None:
    config = trial(tmp_path, init=init, dropout=0.2, select="compat", seed=5, max_steps=9, eval_steps=3, subsample=0.7)
    if init == "random":
        config = replace(config, model=write_model(tmp_path / "bare", weights=False))
    others = [
        replace(config, settings=settings(init=init, precision="bf16", dropout=0.5, seed=1)),
        replace(config, settings=settings(init=init, model_type="standard", precision="tf32", max_steps=2)),
    ]
    runner = TrialRunner(device=CPU)
    for other in others:
        digest_of_trial(runner, other)
    warm = digest_of_trial(runner, config)
    assert warm == in_a_fresh_process(config)
    # The digest says something: another seed has another.
    assert digest_of_trial(runner, replace(config, settings=replace(config.settings, seed=6))) != warm
