"""How fast a GPU trains T5 by dss, against transformers' own forward pass, in one run and without being watched.

    PYTHONPATH=worker-python python bench/gpu_training.py [--size base] [--json FILE] [--dry-run]

Needs torch and transformers, no data and no network: weights and tokens are drawn, token counts are those of cqa. Ends
before eight minutes are over, whatever hangs; what was measured until then has been printed and is in the file. A part
that fails says so, and the next one begins.

  1. Batches of 64 by transformers and by dss, in several precisions: kernel by kernel, recorded, and compiled.
  2. The large model, and ten steps of the largest T5 v1.1 that the device has the memory for, up to XXL.
  3. Memory of each size against what was predicted of it.
  4. Whether the optimizer's moments in ordinary memory give the same bits, and what they cost the largest model.

Without a GPU it says so and ends with status 3; nothing is measured then. `--dry-run` goes through all parts with a
tiny model on the processor, but for what is compiled, which shows that they work and measures nothing.
"""

from __future__ import annotations

import argparse
import faulthandler
import json
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
import transformers
from dss_worker.training.optimizer import make_optimizer, take_step
from gpu.drawn import BATCH, LR, SHAPES, draw_model, draw_split
from gpu.large import ADAFACTOR, ADAMW, ON_THE_HOST, ways_that_fit
from gpu.measure import Figure, Way, free_memory, measure, measure_transformers

# Of the eight minutes, what starting Python and ending it may take is left.
END_S = 7.5 * 60.0
# A part is begun only so long before the end.
LEAST_S = 60.0
SIZES = [size for size in SHAPES if size != "tiny"]
# The others are in other parts.
MEMORY_SIZES = ["small", "xl"]
TRANSFORMERS = [Way(name="transformers", precision="fp32"), Way(name="transformers", precision="bf16")]
RECORDED = [Way(name="dss", precision="fp32"), Way(name="dss", precision="tf32"), Way(name="dss", precision="bf16")]
BY_KERNELS = Way(name="dss, not recorded", precision="bf16", compiled="off")
COMPILED = Way(name="dss, compiled", precision="bf16", compiled="on")
FEW_STEPS = {"warm_up": 4, "steps": 8}
# Shapes of passes that come again are recorded in the first ones.
STEPS = {"warm_up": 20, "steps": 40, "profiled": 4}
LARGE_STEPS = {"warm_up": 2, "steps": 10}
# Each moves all moments there and back, and the first finds room for them.
HOST_STEPS = {"warm_up": 1, "steps": 5}
MEMORY_STEPS = {"warm_up": 1, "steps": 3}
DRY_STEPS = {"warm_up": 1, "steps": 1}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=["small", "base", "large"], default="base")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--dry-run", action="store_true")
    options = parser.parse_args()
    if not options.dry_run and not torch.cuda.is_available():
        print("no GPU here: nothing measured; --dry-run shows that the parts work", file=sys.stderr)
        return 3
    faulthandler.dump_traceback_later(END_S, exit=True)
    run = Run(options.json, size="tiny" if options.dry_run else options.size, is_dry=options.dry_run)
    run.everything()
    faulthandler.cancel_dump_traceback_later()
    print(f"{run.machine}, {time.monotonic() - run.began:.0f} s", flush=True)
    return 1 if run.failed else 0


class Run:
    """All parts, one after the other."""

    def __init__(self, file: Path | None, *, size: str, is_dry: bool) -> None:
        self.began = time.monotonic()
        self.failed: list[str] = []
        self._file = file
        self._size = size
        self._is_dry = is_dry
        self._device = torch.device("cpu" if is_dry else "cuda")
        self._split = draw_split(SHAPES[size][-1])
        self._found: dict[str, Any] = {"machine": self.machine, "figures": []}

    @property
    def machine(self) -> str:
        name = "dry run, no figures" if self._is_dry else torch.cuda.get_device_name()
        versions = f"torch {torch.__version__}, transformers {transformers.__version__}"
        return f"{name}, {versions}, {time.strftime('%Y-%m-%d')}, T5 v1.1, batches of {BATCH}, dropout 0.1"

    def everything(self) -> None:
        for way in TRANSFORMERS:
            self._figure(way, self._size, FEW_STEPS, by=measure_transformers)
        for way in RECORDED:
            self._figure(way, self._size, STEPS)
        self._figure(BY_KERNELS, self._size, FEW_STEPS)
        # For a processor there is nothing to compile, which would make a dry run long.
        if not self._is_dry:
            self._figure(COMPILED, self._size, STEPS)
            if self._size != "large":
                self._figure(RECORDED[-1], "large", STEPS)
        self._part("the largest that fits", lambda: self._largest(LARGE_STEPS, on_host=False))
        for size in ["tiny"] if self._is_dry else MEMORY_SIZES:
            # Each with all that it needs on the device.
            if self._ways(size)[:1] == [ADAMW]:
                self._figure(ADAMW, size, MEMORY_STEPS)
        self._part("moments on the host", self._compare_moments)
        self._part("the largest, moments on the host", lambda: self._largest(HOST_STEPS, on_host=True))

    def _compare_moments(self) -> None:
        is_same = has_same_bits(self._device, "tiny" if self._is_dry else "small")
        self._note("moments on the host give the same bits", is_same)

    def _largest(self, steps: dict[str, int], *, on_host: bool) -> None:
        for size in ["tiny"] if self._is_dry else reversed(SIZES[SIZES.index(self._size) + 1 :]):
            ways = self._ways(size)
            if not ways:
                continue
            self._note(f"ways to train {size} here", [f"{way.optimizer}, {way.optimizer_states}" for way in ways])
            model = draw_model(size, self._device)
            for way in ways:
                if (way.optimizer_states == "host") == on_host:
                    self._figure(way, size, steps, model=model)
            return

    def _ways(self, size: str) -> list[Way]:
        return [ADAMW, ADAFACTOR, ON_THE_HOST] if self._is_dry else ways_that_fit(size, self._device)

    def _figure(
        self,
        way: Way,
        size: str,
        steps: dict[str, int],
        *,
        by: Callable[..., Figure] = measure,
        model: transformers.T5ForConditionalGeneration | None = None,
    ) -> None:
        def figure() -> None:
            drawn = draw_model(size, self._device) if model is None else model
            found = by(drawn, size, way, split=self._split, **(DRY_STEPS if self._is_dry else steps))
            self._found["figures"].append(asdict(found))
            self._write()
            print(found, flush=True)

        self._part(f"{size}, {way.name}, {way.precision}, {way.optimizer}", figure)

    def _part(self, what: str, do: Callable[[], None]) -> None:
        if time.monotonic() - self.began > END_S - LEAST_S:
            self.failed.append(what)
            print(f"{what}: left out, there is no time for it", flush=True)
            return
        try:
            do()
        except Exception:
            self.failed.append(what)
            print(f"{what}: failed", flush=True)
            traceback.print_exc()
        # Outside of the handler: a traceback holds on to what is on the device.
        free_memory(self._device)

    def _note(self, what: str, value: object) -> None:
        self._found[what] = value
        self._write()
        print(f"{what}: {value}", flush=True)

    def _write(self) -> None:
        if self._file is not None:
            self._file.write_text(json.dumps(self._found, indent=2), encoding="utf-8")


def has_same_bits(device: torch.device, size: str) -> bool:
    """Whether a few steps with the moments in ordinary memory end where they end with all on the device."""
    ends = []
    for states in ("device", "host"):
        model = draw_model(size, device)
        optimizer = make_optimizer(model, lr=LR, states=states)
        draw = torch.Generator(device=device).manual_seed(0)
        for _ in range(3):
            for parameter in model.parameters():
                parameter.grad = torch.randn(parameter.shape, generator=draw, device=device)
            take_step(optimizer, lr=LR, found_inf=torch.zeros((), device=device))
        ends.append([each.detach().clone() for each in model.parameters()])
    return all(torch.equal(one, other) for one, other in zip(*ends, strict=True))


if __name__ == "__main__":
    sys.exit(main())
