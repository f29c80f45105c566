"""What a device could compute at most. Never guessed: the vendor's figure for a device we know, else measured."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import torch

from dss_worker.config import Precision

# Dense, in TFLOP/s, as NVIDIA's data sheets have them: fp32 without tensor cores, tf32 and bf16 with. By words that a
# device's name has; of two that fit, the one with more words. Where a precision is missing, the device is measured.
_VENDOR_TFLOPS: dict[frozenset[str], dict[Precision, float]] = {
    frozenset({"A100"}): {"fp32": 19.5, "tf32": 156.0, "bf16": 312.0},
    frozenset({"A30"}): {"fp32": 10.3, "tf32": 82.0, "bf16": 165.0},
    frozenset({"A10"}): {"fp32": 31.2, "tf32": 62.5, "bf16": 125.0},
    frozenset({"A10G"}): {"fp32": 35.0, "tf32": 35.0, "bf16": 70.0},
    frozenset({"H100", "HBM3"}): {"fp32": 67.0, "tf32": 494.7, "bf16": 989.4},
    frozenset({"H100", "PCIE"}): {"fp32": 51.0, "tf32": 378.0, "bf16": 756.0},
    frozenset({"H100", "NVL"}): {"fp32": 60.0, "tf32": 417.5, "bf16": 835.0},
    frozenset({"H200"}): {"fp32": 67.0, "tf32": 494.7, "bf16": 989.4},
    frozenset({"H200", "NVL"}): {"fp32": 60.0, "tf32": 417.5, "bf16": 835.5},
    frozenset({"L4"}): {"fp32": 30.3, "tf32": 60.0, "bf16": 121.0},
    frozenset({"L40S"}): {"fp32": 91.6, "tf32": 183.0, "bf16": 362.0},
    frozenset({"V100", "SXM2"}): {"fp32": 15.7},
    frozenset({"T4"}): {"fp32": 8.1},
}

_BUDGET_S = 0.25
_FIRST_SIZE = 1024
_LARGEST_SIZE = 8192
# Below that, one product says more about starting it than about the device.
_LONG_ENOUGH_S = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class PeakFlops:
    # Multiplications and additions a second.
    per_second: float
    source: Literal["measured", "vendor"]


def peak_flops(device: torch.device, precision: Precision) -> PeakFlops:
    """In a precision, for which `set_matmul_precision` was called; takes 0.3 s the first time it has to measure."""
    return _peak_flops(device, precision, torch.get_num_threads())


@lru_cache
def _peak_flops(device: torch.device, precision: Precision, _threads: int) -> PeakFlops:
    vendor = vendor_flops(torch.cuda.get_device_name(device), precision) if device.type == "cuda" else None
    if vendor is not None:
        return PeakFlops(per_second=vendor, source="vendor")
    return PeakFlops(per_second=measure_flops(device, precision), source="measured")


def vendor_flops(name: str, precision: Precision) -> float | None:
    """`name`: as torch has it, such as "NVIDIA A100-SXM4-80GB". None for a device that the table does not know."""
    words = set(re.findall(r"[A-Z0-9]+", name.upper()))
    # A slice of a device, whose share of it the name does not say.
    if "MIG" in words:
        return None
    fitting = [key for key in _VENDOR_TFLOPS if key <= words]
    if not fitting:
        return None
    tflops = _VENDOR_TFLOPS[max(fitting, key=len)].get(precision)
    return None if tflops is None else tflops * 1e12


def measure_flops(device: torch.device, precision: Precision, *, now: Callable[[], float] = time.perf_counter) -> float:
    """The best of some products of two square matrices, as many as a quarter of a second has room for."""
    size, deadline = _FIRST_SIZE, now() + _BUDGET_S
    product = _Product(device, precision, size=size, now=now)
    # The first one also loads what the others use.
    product.seconds()
    best = product.seconds()
    while best < _LONG_ENOUGH_S and size < _LARGEST_SIZE:
        size *= 2
        product = _Product(device, precision, size=size, now=now)
        product.seconds()
        best = product.seconds()
    while now() + best < deadline:
        best = min(best, product.seconds())
    return 2.0 * size**3 / best


class _Product:
    def __init__(self, device: torch.device, precision: Precision, *, size: int, now: Callable[[], float]) -> None:
        dtype = torch.bfloat16 if precision == "bf16" else torch.float32
        # Neither zeros, for which a GPU draws less power and runs faster, nor a draw that training would notice.
        draws = torch.Generator(device=device).manual_seed(0)
        self._left, self._right = (torch.randn(size, size, generator=draws, device=device).to(dtype) for _ in range(2))
        self._device = device
        self._now = now

    def seconds(self) -> float:
        self._wait()
        started = self._now()
        torch.mm(self._left, self._right)
        self._wait()
        return self._now() - started

    def _wait(self) -> None:
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
