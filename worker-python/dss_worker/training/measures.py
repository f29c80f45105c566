"""What a trial's result says about how well its hardware was used."""

from __future__ import annotations

from dataclasses import replace

import torch

from dss_worker.config import Precision
from dss_worker.messages import TrialResult
from dss_worker.training.memory_watch import MemoryWatch
from dss_worker.training.monitor import Monitor
from dss_worker.training.peak_flops import peak_flops
from dss_worker.training.processes import ALONE, Processes, total_work


def measured(
    result: TrialResult,
    *,
    monitor: Monitor,
    memory: MemoryWatch,
    predicted_memory_bytes: int,
    device: torch.device,
    precision: Precision,
    processes: Processes = ALONE,
) -> TrialResult:
    """The result with throughput, utilisation and memory.

    Rates are over the train phase: what the device waits there for counts against it, evaluations, checkpoints and
    compiling do not. The peak is looked up here, after everything that is timed.

    Args:
        memory: of this attempt and process alone; the rest is of all attempts that the trial went on from.
        processes: that had the trial together. Tokens are those of all, utilisation is the mean of their devices'.
    """
    peak_memory_bytes = memory.peak_bytes
    peak = peak_flops(device, precision)
    work, seconds = total_work(monitor.work, processes), monitor.seconds_by_phase["train"]
    per_second = 1 / seconds if seconds > 0 else 0.0
    return replace(
        result,
        environment={**result.environment, "memory_source": memory.source},
        useful_tokens_per_second=work.useful_tokens * per_second,
        padded_tokens_per_second=work.padded_tokens * per_second,
        mfu_useful=work.useful_flops * per_second / (peak.per_second * processes.count),
        mfu_padded=work.padded_flops * per_second / (peak.per_second * processes.count),
        peak_flops=peak.per_second,
        peak_flops_source=peak.source,
        peak_memory_bytes=peak_memory_bytes,
        predicted_memory_bytes=predicted_memory_bytes,
    )
