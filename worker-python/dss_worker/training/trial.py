"""One trial, top to bottom."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import torch
from transformers import PreTrainedTokenizerBase

from dss_worker.config import TrialConfig, TrialSettings
from dss_worker.data.encode import EncodedSplit
from dss_worker.data.label_tokens import check_room
from dss_worker.messages import Phase, TrialResult
from dss_worker.own_code import own_code
from dss_worker.training.adapter import apply_adapter, merge_adapter
from dss_worker.training.checkpoint import identity_of
from dss_worker.training.checkpoints import Checkpoints
from dss_worker.training.compile_time import process_compile_clock
from dss_worker.training.environment import describe_environment
from dss_worker.training.failures import failure_of
from dss_worker.training.keep_model import KeptModel
from dss_worker.training.loop import TrainingLoop
from dss_worker.training.measures import measured
from dss_worker.training.memory import ModelSize, predict_memory
from dss_worker.training.memory_watch import MemoryWatch
from dss_worker.training.model import check_vocabulary
from dss_worker.training.model_files import check_model_files
from dss_worker.training.monitor import Monitor, Reporter, TrialSuspended
from dss_worker.training.processes import ALONE, Processes, describe_processes
from dss_worker.training.rationales import write_rationales
from dss_worker.training.step import set_matmul_precision
from dss_worker.training.warm_cache import WarmCache


def run_trial(
    config: TrialConfig,
    *,
    warm: WarmCache,
    reporter: Reporter,
    should_stop: Callable[[], bool],
    should_suspend: Callable[[], bool],
    device: torch.device,
    now: Callable[[], float] = time.monotonic,
    seconds_before: Mapping[Phase, float] | None = None,
    processes: Processes = ALONE,
) -> TrialResult:
    """Trains and evaluates one trial, from its newest sound checkpoint on.

    On a CPU, its result is a function of `config` without `run`, and of torch's thread count.

    Args:
        warm: what earlier trials of this process left; it saves time and changes nothing.
        should_stop, should_suspend: asked before every step and every batch of an evaluation.
        now: seconds of a clock that never goes back; for times, the pace of progress and of checkpoints only.
        seconds_before: by phase, what the process spent before this trial.
        processes: those that have the trial together; each must call this, and gets the same result.
    Raises: TrialCancelled once `should_stop` says so, TrialSuspended once `should_suspend` does; WorkerError for what
        goes wrong.
    """
    settings = config.settings
    monitor = Monitor(
        reporter=reporter,
        should_stop=should_stop,
        # Several processes leave together, between two steps.
        should_suspend=should_suspend if processes.count == 1 else lambda: False,
        now=now,
        seconds_before=seconds_before,
        compile_seconds=lambda: process_compile_clock().seconds,
    )
    memory = MemoryWatch(device)
    checkpoints = Checkpoints(config.run, identity=identity_of(config, device=device), now=now, processes=processes)
    set_matmul_precision(settings.precision)
    loop: TrainingLoop | None = None
    try:
        monitor.beat("load")
        with monitor.phase("load"):
            # At the beginning: the process may live for long, and its files change.
            code = own_code()
            check_model_files(config.model)
            monitor.beat("load")
            tokenizer = warm.tokenizer(config.model)
            monitor.beat("load")
            model = processes.load(config, device=device, whole=lambda: warm.model(config, device=device))
            apply_adapter(model, settings)
            check_vocabulary(config.model, model, tokenizer)

        monitor.beat("tokenize")
        with monitor.phase("tokenize"):
            splits = warm.encoded_splits(config, tokenizer, between=lambda: monitor.beat("tokenize"))
            valid, test = (warm.evaluator(split, tokenizer, config) for split in (splits.valid, splits.test))
            _check_room(splits.test, settings)

        loop = TrainingLoop(
            config,
            plan=warm.plan(config, model),
            model=model,
            splits=splits,
            valid=valid,
            test=test,
            checkpoints=checkpoints,
            reporter=reporter,
            monitor=monitor,
            processes=processes,
            is_leaving=should_suspend if processes.count > 1 else lambda: False,
        )
        with monitor.phase("load"):
            resumed_step = _resume(loop, checkpoints)
        print(f"a step's batch: {loop.plan}", flush=True)
        final = loop.run()
        warm.keep_plan(config, loop.plan, device=device)
        if config.run.output_rationale and settings.needs_rationales and config.run.directory is not None:
            _write_rationales(config, loop, splits.test, tokenizer=tokenizer, monitor=monitor, processes=processes)
    except TrialSuspended:
        if loop is None:
            checkpoints.find()
        else:
            loop.suspend()
        raise TrialSuspended(checkpoints.saved_step) from None

    environment = {
        **describe_environment(device, settings.precision),
        "code": code,
        "plan": str(loop.plan),
        **describe_processes(processes),
    }
    predicted = predict_memory(
        ModelSize.of_model(model, loop.trained, is_warm=warm.has_pristine(model), processes=processes),
        settings,
        loop.plan,
        splits.train,
        device=device,
        process_bytes=memory.process_bytes,
        optimizer_states=config.run.optimizer_states,
    )
    if config.run.keep == "best":
        loop.restore_selected()
    if config.run.keep != "none" and config.run.directory is not None:
        with monitor.phase("checkpoint"):
            kept = KeptModel(config=config, final=final, environment=environment)
            if processes.count == 1:
                merge_adapter(model)
            weights = loop.whole_weights()
            if processes.is_first:
                kept.write(model, weights, config.run.directory / "model")
    result = TrialResult(
        test_accuracy=final.accuracy,
        selected_step=final.step,
        seconds=monitor.seconds,
        seconds_by_phase={str(phase): seconds for phase, seconds in monitor.seconds_by_phase.items()},
        examples_per_second=monitor.examples_per_second,
        train_rows=len(splits.train),
        valid_rows=len(splits.valid),
        test_rows=len(splits.test),
        environment=environment,
        choice_accuracy=final.choice_accuracy,
        resumed_step=resumed_step,
    )
    return measured(
        result,
        monitor=monitor,
        memory=memory,
        predicted_memory_bytes=predicted,
        device=device,
        precision=settings.precision,
        processes=processes,
    )


def _check_room(test: EncodedSplit, settings: TrialSettings) -> None:
    if settings.model_type == "single_task":
        return  # its answers have more than the label
    too_long = check_room(test.predict.targets, gen_max_len=settings.gen_max_len, place="test")
    if too_long > 0:
        said = f"{too_long} of {len(test)} test labels are longer than gen_max_len {settings.gen_max_len}"
        print(f"{said}, so that no answer to them is right", flush=True)


def _write_rationales(
    config: TrialConfig,
    loop: TrainingLoop,
    test: EncodedSplit,
    *,
    tokenizer: PreTrainedTokenizerBase,
    monitor: Monitor,
    processes: Processes,
) -> None:
    """Of the model that gave the result, which stays even if they cannot be written."""
    assert config.run.directory is not None
    path = config.run.directory / "rationales.jsonl"
    with monitor.phase("evaluate"), loop.selected_weights(), processes.evaluating():
        if not processes.is_first:
            return
        try:
            write_rationales(
                path,
                model=loop.model,
                split=test,
                settings=config.settings,
                tokenizer=tokenizer,
                before_step=lambda: monitor.beat("evaluate"),
            )
        # Of the disk; and of torch, as when memory is out.
        except (OSError, RuntimeError) as error:
            print(f"rationales are not kept, {path} cannot be written: {failure_of(error).message}", flush=True)


def _resume(loop: TrainingLoop, checkpoints: Checkpoints) -> int:
    """Where the trial goes on; 0: at the beginning."""
    checkpoint = checkpoints.find(loop.divisions)
    if checkpoint is None:
        return 0
    print(f"going on from the checkpoint of step {checkpoint.step}", flush=True)
    loop.resume(checkpoint)
    return checkpoint.step
