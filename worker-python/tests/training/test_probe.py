from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from dss_worker.training.probe import probe
from tests.training.support import CPU, trial

PACKAGE_ROOT = Path(__file__).resolve().parents[2]


def clock(step_s: float) -> Iterator[float]:
    """Seconds that pass from one look at it to the next."""
    seconds = 0.0
    while True:
        yield seconds
        seconds += step_s


def test_steps_behind_the_first_ones_are_what_is_timed(tmp_path: Path) -> None:
    # Looked at when it begins, before the first step, and before and after each of those that are timed.
    ticks = clock(4.0)
    probed = probe(
        trial(tmp_path, batch_size=8, grad_steps=2), device=CPU, steps=5, started_s=3.0, now=lambda: next(ticks)
    )
    assert probed.start_seconds == 3.0 + 4.0
    assert probed.examples_per_second == 16 / 4.0
    assert probed.flops_per_second > 0
    # How near they are is for a process of its own to say (bench/memory.ts): this one has other tests' memory at hand.
    assert probed.peak_memory_bytes > 0
    assert probed.predicted_memory_bytes > 0


def test_its_answer_is_one_document_whatever_is_printed(tmp_path: Path) -> None:
    config = trial(tmp_path, model_type="standard", adapter="lora", lora_rank=2, lora_alpha=4.0)
    for said, broken in ((config.to_json(), False), ({**config.to_json(), "trial_id": "x"}, True)):
        if broken:
            (config.model.directory / "config.json").write_text("{}")
        answer = subprocess.run(
            [sys.executable, "-m", "dss_worker.training.probe", "--steps", "4"],
            input=json.dumps(said),
            cwd=PACKAGE_ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        value = json.loads(answer.stdout)
        if broken:
            assert (answer.returncode, value["error"]["code"]) == (1, "MODEL_INVALID"), answer.stderr
        else:
            assert (answer.returncode, value["steps"]) == (0, 4), answer.stderr
