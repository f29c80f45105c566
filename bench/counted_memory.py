"""What a trial's tensors take at most on a processor, by torch's own record of each allocation.

    PYTHONPATH=worker-python python bench/counted_memory.py CONFIG STEPS

CONFIG is a TrialConfig as JSON. Some steps are taken as `dss plan --probe` takes them. Unlike what of a process is
resident, this has nothing of libraries and of what an allocator keeps; so it can be told of a tiny model, too.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch
from dss_worker.config import TrialConfig
from dss_worker.training.probe import probe
from torch.profiler import ProfilerActivity, profile


def main(config: Path, steps: int) -> None:
    answer, sys.stdout = sys.stdout, sys.stderr
    trial = TrialConfig.from_json(json.loads(config.read_text(encoding="utf-8")))
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        found = probe(trial, device=torch.device("cpu"), steps=steps)
    events = profiler.profiler.kineto_results.events()  # type: ignore[union-attr]
    changes = sorted((each.start_ns(), each.nbytes()) for each in events if each.name() == "[memory]")
    allocated = most = 0
    for _, change in changes:
        allocated += change
        most = max(most, allocated)
    json.dump({"most_bytes": most, "predicted_bytes": found.predicted_memory_bytes - found.process_memory_bytes}, answer)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
