from __future__ import annotations

import torch

from dss_worker.training.compile_time import process_compile_clock


def test_compiling_is_timed_forward_and_backward_and_running_is_not() -> None:
    clock = process_compile_clock()
    before = clock.seconds

    @torch.compile(backend="aot_eager", dynamic=True)
    def doubled(values: torch.Tensor) -> torch.Tensor:
        return (values * 2).sum()

    values = torch.ones(3, requires_grad=True)
    loss = doubled(values)
    forward = clock.seconds
    assert forward > before
    torch.autograd.backward(loss)
    compiled = clock.seconds
    torch.autograd.backward(doubled(values))
    assert clock.seconds == compiled >= forward


def test_a_process_has_one_clock() -> None:
    assert process_compile_clock() is process_compile_clock()
