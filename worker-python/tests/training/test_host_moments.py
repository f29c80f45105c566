from __future__ import annotations

import pytest
import torch

from dss_worker.errors import WorkerError
from dss_worker.training import host_moments
from dss_worker.training.optimizer import make_optimizer, optimizer_tensors, take_step
from tests.training.support import tiny_model

LR = 1e-2


def test_moments_on_the_host_move_weights_by_the_same_bits() -> None:
    """A step that is left out among them."""
    models = [tiny_model(), tiny_model()]
    optimizers = [
        make_optimizer(models[0], lr=LR),
        make_optimizer(models[1], lr=LR, states="host"),
    ]
    draw = torch.Generator().manual_seed(0)
    for step in range(5):
        for mine, other in zip(models[0].parameters(), models[1].parameters(), strict=True):
            mine.grad = torch.randn(mine.shape, generator=draw)
            other.grad = mine.grad.clone()
        for optimizer in optimizers:
            take_step(optimizer, lr=LR / (step + 1), found_inf=torch.tensor(1.0 if step == 2 else 0.0))
    states = [optimizer_tensors(model, optimizer) for model, optimizer in zip(models, optimizers, strict=True)]
    assert states[0].keys() == states[1].keys()
    assert all(torch.equal(tensor, states[1][name]) for name, tensor in states[0].items())
    assert all(
        torch.equal(mine, other) for mine, other in zip(models[0].parameters(), models[1].parameters(), strict=True)
    )
    assert {tensor.device.type for name, tensor in states[1].items() if "exp_avg" in name} == {"cpu"}


def test_moments_have_a_place_each_in_blocks_that_waste_little(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host_moments, "_BLOCK_BYTES", 4 * 1024)
    parameters = [torch.nn.Parameter(torch.ones(shape)) for shape in ((20, 20), (300,), (2_000,), (7, 9), (0,))]
    optimizer = make_optimizer(torch.nn.ParameterList(parameters), lr=LR, states="host")  # type: ignore[arg-type]
    for parameter in parameters:
        parameter.grad = torch.ones_like(parameter)
    take_step(optimizer, lr=LR, found_inf=torch.tensor(0.0))
    moments = [optimizer.state[each][name] for each in parameters for name in ("exp_avg", "exp_avg_sq")]
    blocks = {each.untyped_storage().data_ptr(): each.untyped_storage().nbytes() for each in moments}
    assert sorted(blocks.values()) == [4 * 1024, 4 * 1024, 4 * 2_000, 4 * 2_000]
    for number, moment in enumerate(moments):
        moment.fill_(number)
    assert all((moment == number).all() for number, moment in enumerate(moments))


def test_an_optimizer_that_keeps_little_is_told_apart() -> None:
    with pytest.raises(WorkerError, match="optimizer_states: host is for optimizer: adamw, this trial has adafactor"):
        make_optimizer(tiny_model(), lr=LR, kind="adafactor", states="host")
