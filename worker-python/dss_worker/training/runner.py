"""A process's trials, one after the other."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
from transformers.utils import logging as transformers_logging

from dss_worker.config import TrialConfig
from dss_worker.messages import GangPlace, TrialResult
from dss_worker.training.environment import pick_device
from dss_worker.training.monitor import Reporter
from dss_worker.training.process_times import ProcessTimes
from dss_worker.training.trial import run_trial
from dss_worker.training.warm_cache import WarmCache


class TrialRunner:
    """Runs trials on one device; between them it keeps what is costly to make and the same for the next."""

    def __init__(
        self,
        *,
        device: torch.device | None = None,
        sharers: int = 1,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """
        Args:
            device: the first accelerator in sight, else the CPU, if None.
            sharers: processes that train on it at the same time, this one included.
            now: seconds of a clock that never goes back.
        """
        # Every T5 v1.1 checkpoint is warned about (its output layer is its own) and every load draws a progress bar.
        transformers_logging.set_verbosity_error()  # type: ignore[no-untyped-call]
        transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        self._device = pick_device() if device is None else device
        self._now = now
        self._warm = WarmCache(sharers=sharers)
        self._times = ProcessTimes.of_this_process()

    def run(
        self,
        config: TrialConfig,
        *,
        reporter: Reporter,
        should_stop: Callable[[], bool],
        should_suspend: Callable[[], bool] = lambda: False,
        gang: GangPlace | None = None,
    ) -> TrialResult:
        """As `run_trial`, or as `run_as_first` for a trial that has several processes."""
        try:
            if gang is not None or config.run.devices > 1:
                # Not before it is needed: it takes a moment to load.
                from dss_worker.parallel.run import run_as_first

                return run_as_first(
                    config,
                    gang=gang,
                    device=self._device,
                    reporter=reporter,
                    should_stop=should_stop,
                    should_suspend=should_suspend,
                    now=self._now,
                    seconds_before=self._times.begin_trial(),
                )
            return run_trial(
                config,
                warm=self._warm,
                reporter=reporter,
                should_stop=should_stop,
                should_suspend=should_suspend,
                device=self._device,
                now=self._now,
                seconds_before=self._times.begin_trial(),
            )
        finally:
            self._times.end_trial()

    def release_memory(self) -> None:
        """Between trials: what torch holds back for itself is missing to other processes and to a larger trial."""
        self._warm.drop_gradients()
        if self._device.type == "cuda":
            torch.cuda.empty_cache()
