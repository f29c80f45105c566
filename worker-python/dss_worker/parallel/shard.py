"""Divides a T5's weights among processes: FSDP2, a block of layers at a time.

Each process keeps a share of every weight, of its gradient and of the optimizer's state, and gathers a block's
weights for as long as it runs the block. Gradients are summed and not averaged, since what a token counts in the loss
of the logical batch is known before (`training/loss.py`).

Source: Zhao et al. 2023, arXiv:2304.11277, by torch.distributed.fsdp.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import MethodType
from typing import Any, cast

from torch import nn
from torch.distributed.fsdp import FSDPModule, fully_shard, register_fsdp_forward_method
from transformers import T5ForConditionalGeneration

from dss_worker.parallel.lockstep import Lockstep
from dss_worker.parallel.mesh import Mesh
from dss_worker.training.within import METHOD

_ENTER = "enter_gathered"

Run = Callable[..., Any]


def shard_model(model: T5ForConditionalGeneration, mesh: Mesh) -> Lockstep:
    """In place. Every process must call it with an equal model, and then train by the same passes in the same order.

    Under tensor ranks that have divided it before, this divides what each of them has. The relative position biases,
    some thousand weights that a stack reads before its first block, are not divided.

    Returns: by what the processes evaluate it.
    """
    whole = {bias for stack in (model.encoder, model.decoder) for bias in position_biases(stack)}
    blocks = [*model.encoder.block, *model.decoder.block]
    for module in (*blocks, model):
        fully_shard(module, mesh=mesh.of_rows, ignored_params=whole)
        sharded = cast(FSDPModule, module)
        # gloo knows no average.
        sharded.set_force_sum_reduction_for_comms(True)
        sharded.set_gradient_divide_factor(1.0)
    lockstep = Lockstep(model, mesh)
    for block in blocks:
        _gather_in(block, _in_block(block, lockstep))
    for number, stack in enumerate((model.encoder, model.decoder)):
        _gather_in(stack, _in_stack(number, lockstep))
    _gather_in(model, _by_hooks(model))
    return lockstep


def position_biases(stack: nn.Module) -> Iterator[nn.Parameter]:
    attention: Any = cast(Any, stack).block[0].layer[0].SelfAttention
    yield attention.relative_attention_bias.weight


def _in_block(block: nn.Module, lockstep: Lockstep) -> Run:
    by_hooks, sharded = _by_hooks(block), cast(FSDPModule, block)

    def run_in_block(run: Run, *values: object) -> object:
        if not lockstep.is_kept:
            return by_hooks(run, *values)
        sharded.unshard()
        try:
            return run(*values)
        finally:
            sharded.reshard()

    return run_in_block


def _in_stack(number: int, lockstep: Lockstep) -> Run:
    def run_in_stack(run: Run, *values: object) -> object:
        if lockstep.is_kept:
            lockstep.enter(number)
        return run(*values)

    return run_in_stack


def _by_hooks(module: nn.Module) -> Run:
    """By FSDP's hooks for a forward and a backward pass, around whatever is run."""

    def enter(_: nn.Module, run: Run, *values: object) -> object:
        return run(*values)

    setattr(module, _ENTER, MethodType(enter, module))
    register_fsdp_forward_method(module, _ENTER)
    return cast(Run, getattr(module, _ENTER))


def _gather_in(module: nn.Module, gathered: Run) -> None:
    def run_within(_: nn.Module, run: Run, *values: object) -> object:
        return gathered(run, *values)

    setattr(module, METHOD, MethodType(run_within, module))
