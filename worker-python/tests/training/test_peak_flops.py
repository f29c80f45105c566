from __future__ import annotations

import pytest
import torch

from dss_worker.config import Precision
from dss_worker.training.peak_flops import measure_flops, peak_flops, vendor_flops
from tests.training.support import CPU


@pytest.mark.parametrize(
    ("name", "precision", "tflops"),
    [
        ("NVIDIA A100-SXM4-80GB", "bf16", 312.0),
        ("NVIDIA A100-PCIE-40GB", "tf32", 156.0),
        ("NVIDIA H100 80GB HBM3", "bf16", 989.4),
        ("NVIDIA H100 PCIe", "bf16", 756.0),
        ("NVIDIA H200", "bf16", 989.4),
        ("NVIDIA H200 NVL", "bf16", 835.5),
        ("NVIDIA A10", "bf16", 125.0),
        ("NVIDIA A10G", "bf16", 70.0),
        ("NVIDIA L4", "fp32", 30.3),
        ("Tesla V100-SXM2-16GB", "fp32", 15.7),
    ],
)
def test_a_known_device_has_its_vendors_figure(name: str, precision: Precision, tflops: float) -> None:
    assert vendor_flops(name, precision) == tflops * 1e12


@pytest.mark.parametrize(
    ("name", "precision"),
    [
        ("NVIDIA GeForce RTX 4090", "bf16"),
        # Not an H200; not an L4; a seventh of an H100; of V100 nobody states what bf16 does.
        ("NVIDIA GH200 480GB", "bf16"),
        ("NVIDIA L40", "bf16"),
        ("NVIDIA H100 80GB HBM3 MIG 1g.10gb", "bf16"),
        ("Tesla V100-SXM2-16GB", "bf16"),
        ("", "fp32"),
    ],
)
def test_any_other_device_has_none(name: str, precision: Precision) -> None:
    assert vendor_flops(name, precision) is None


def test_a_cpu_is_measured_once_for_each_precision() -> None:
    first = peak_flops(CPU, "fp32")
    assert first.source == "measured"
    # A core of this century and the largest of machines.
    assert 1e8 < first.per_second < 1e16
    assert peak_flops(CPU, "fp32") is first
    assert peak_flops(CPU, "bf16") is not first


def test_measuring_leaves_torchs_random_numbers_alone() -> None:
    before = torch.get_rng_state()
    measure_flops(CPU, "fp32")
    assert torch.equal(torch.get_rng_state(), before)


def test_the_best_of_the_products_counts_until_the_time_is_over() -> None:
    # The deadline is a quarter of a second from the first reading; two products before the first look at it.
    readings = iter([0.0, 0.0, 0.05, 0.05, 0.1, 0.1, 0.1, 0.12, 0.12, 0.12, 0.2, 0.24])
    assert measure_flops(CPU, "fp32", now=lambda: next(readings)) == pytest.approx(2 * 1024**3 / 0.02)
    assert list(readings) == []
