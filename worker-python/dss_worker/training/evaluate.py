"""How well a model answers a split: the loss of its labels, and which rows it gets right.

What counts is greedy generation, and most of it need not be run. Fed the target, the decoder's choice at each
position is the one that generation makes, as long as all choices before it were the target's. So one such pass
gives the loss and settles every row that follows its target to the end; only the others are generated, from the
encoder's output that is there already. The tests compare it with plain generation row by row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from transformers import PreTrainedTokenizerBase, T5ForConditionalGeneration
from transformers.modeling_outputs import BaseModelOutput

from dss_worker.config import Metric
from dss_worker.data.encode import EncodedTask
from dss_worker.training.collate import Rows, collate_task
from dss_worker.training.loss import summed_token_loss
from dss_worker.training.metrics import is_right
from dss_worker.training.model import special_ids

# Rows that are generated together, for each row of a batch.
GENERATED_PER_ROW = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One model on one split."""

    # Nats per label token, mean over the split.
    loss: float
    # Whether each row's prediction is right, in the split's order.
    correct: tuple[bool, ...]

    @property
    def accuracy(self) -> float:
        return sum(self.correct) / len(self.correct)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Unsettled:
    """A row whose prediction must be generated."""

    row: int
    # float, [input length, d_model]: the encoder's output for the row's real tokens.
    encoded: Tensor


class Evaluator:
    """Scores models on one split by the accuracy of Hsieh et al. 2023, arXiv:2305.02301."""

    def __init__(
        self,
        task: EncodedTask,
        *,
        tokenizer: PreTrainedTokenizerBase,
        metric: Metric,
        batch_size: int,
        gen_max_len: int,
    ) -> None:
        """
        Args:
            task: the label task of a split with at least one row.
            batch_size: rows in memory at a time.
            gen_max_len: tokens of a prediction, the decoder's start token included.
        """
        self._task = task
        self._tokenizer = tokenizer
        self._metric: Metric = metric
        self._batch_size = batch_size
        # A step of generation holds the scores of one token a row, where the pass along the targets holds a row's.
        self._generated_rows = GENERATED_PER_ROW * batch_size
        self._gen_max_len = gen_max_len
        self._input_lengths: list[int] = task.inputs.lengths.tolist()
        self._targets = [task.targets.row(row).tolist() for row in range(len(task.targets))]
        # Targets go through the tokenizer, as in the released code: a text that it cannot write is not asked for.
        self._target_texts = [self._decode(target) for target in self._targets]
        # False for an equation without a value: it equals nothing, itself included.
        self._can_be_right = [is_right(text, text, metric=metric) for text in self._target_texts]

    def score(self, model: T5ForConditionalGeneration, *, between_batches: Callable[[], None] = lambda: None) -> Score:
        """Leaves the model's mode and every random state as they were.

        Args:
            between_batches: called before every batch; may raise to end the evaluation.
        """
        was_training = model.training
        model.train(mode=False)
        try:
            with torch.inference_mode():
                return self._score(model, between_batches)
        finally:
            model.train(was_training)

    def _score(self, model: T5ForConditionalGeneration, between_batches: Callable[[], None]) -> Score:
        correct = [False] * len(self._targets)
        loss_sum = 0.0
        unsettled: list[_Unsettled] = []
        for rows in self._batches():
            between_batches()
            loss_sum += self._follow_targets(model, rows, correct, unsettled)
            # Whole batches of what is left over, so that generation too has many rows to a step.
            while len(unsettled) >= self._generated_rows:
                between_batches()
                self._generate(model, unsettled[: self._generated_rows], correct)
                del unsettled[: self._generated_rows]
        if unsettled:
            self._generate(model, unsettled, correct)
        return Score(loss=loss_sum / int(self._task.targets.lengths.sum()), correct=tuple(correct))

    def _batches(self) -> Iterator[Rows]:
        """Rows by length, so that little is padding; the longest first: memory runs out at once or never."""
        order = np.lexsort((self._task.targets.lengths, self._task.inputs.lengths))[::-1].astype(np.int64)
        for start in range(0, len(order), self._batch_size):
            yield order[start : start + self._batch_size]

    def _follow_targets(
        self, model: T5ForConditionalGeneration, rows: Rows, correct: list[bool], unsettled: list[_Unsettled]
    ) -> float:
        """Settles in `correct` what a pass along the targets can, adds the rest to `unsettled`; the summed loss."""
        special = special_ids(model)
        batch = collate_task(self._task, rows, special=special).to(model.device)
        output = model(
            input_ids=batch.input_ids,
            attention_mask=batch.attention_mask,
            decoder_input_ids=batch.decoder_input_ids,
            use_cache=False,
        )
        follows = (output.logits.argmax(dim=-1) == batch.targets).cpu().numpy()
        for position, row in enumerate(rows.tolist()):
            if not self._can_be_right[row]:
                continue
            generated = _generated_if_followed(self._targets[row], end=special.end, gen_max_len=self._gen_max_len)
            if generated is not None and follows[position, : len(generated)].all():
                correct[row] = generated == self._targets[row] or self._is_right(row, generated)
            else:
                # A copy: a view would keep the whole batch in memory.
                encoded = output.encoder_last_hidden_state[position, : self._input_lengths[row]].clone()
                unsettled.append(_Unsettled(row=row, encoded=encoded))
        return float(summed_token_loss(output.logits, batch.targets).item())

    def _generate(self, model: T5ForConditionalGeneration, waiting: list[_Unsettled], correct: list[bool]) -> None:
        predictions = _generate_greedily(model, [each.encoded for each in waiting], gen_max_len=self._gen_max_len)
        for each, prediction in zip(waiting, predictions, strict=True):
            correct[each.row] = self._is_right(each.row, prediction)

    def _is_right(self, row: int, prediction: list[int]) -> bool:
        return is_right(self._decode(prediction), self._target_texts[row], metric=self._metric)

    def _decode(self, ids: list[int]) -> str:
        text = self._tokenizer.decode(ids, skip_special_tokens=True)
        if not isinstance(text, str):
            raise TypeError(f"expected the tokenizer to decode one text, got {type(text).__name__}")
        return text


def _generated_if_followed(target: list[int], *, end: int, gen_max_len: int) -> list[int] | None:
    """What generation gives where every choice is the target's; None if it would go on past the target."""
    limit = gen_max_len - 1  # The start token counts.
    if end in target:
        target = target[: target.index(end) + 1]
    elif len(target) < limit:
        return None
    return target[:limit]


def _generate_greedily(
    model: T5ForConditionalGeneration, encoded: list[Tensor], *, gen_max_len: int
) -> list[list[int]]:
    """Predictions, start token and padding included, for rows of encoder output."""
    if gen_max_len == 1:
        return [[] for _ in encoded]
    lengths = torch.tensor([len(each) for each in encoded], device=model.device)
    states = pad_sequence(encoded, batch_first=True)
    mask = (torch.arange(states.shape[1], device=model.device) < lengths[:, None]).to(torch.int64)
    ids = model.generate(
        encoder_outputs=BaseModelOutput(last_hidden_state=states),
        attention_mask=mask,
        max_length=gen_max_len,
        do_sample=False,
        num_beams=1,
    )
    return [list(map(int, row)) for row in ids.tolist()]
