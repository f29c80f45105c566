"""How well a model answers a split: the loss of its labels, and which rows it gets right.

What counts is greedy generation, and most of it need not be run. Fed the target, the decoder's choice at each
position is the one that generation makes, as long as all choices before it were the target's. So one such pass
gives the loss, settles every row that follows its target to the end, and of the others says how their generation
begins. What cannot become right after that beginning is wrong; only the rest is generated, from the encoder's output
that is there already, and only as long as it can still become right. The tests hold all this against plain
generation, row by row.

Under the single-task method a prediction is the end of a longer text, and no beginning of that settles anything:
every row is generated to its end. The loss is that of the label after the model's own rationale and the marker: with
a test row comes no other rationale, and a label that stands alone is nothing that the model was trained to write.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace

import numpy as np
from torch import Tensor
from transformers import PreTrainedTokenizerBase, T5ForConditionalGeneration

from dss_worker.config import Metric, ModelType
from dss_worker.data.columns import ANSWER_MARKER, ChoiceTokens
from dss_worker.data.encode import EncodedTask
from dss_worker.data.tokens import written_in_part
from dss_worker.errors import DataError
from dss_worker.training.choices import Candidates, is_label_likeliest, log_probabilities
from dss_worker.training.encoded_rows import EncodedRows, batches_by_length, encode_rows
from dss_worker.training.follow_targets import Flags, follow_targets
from dss_worker.training.generate import generate_greedily, inference
from dss_worker.training.metrics import Hope, answer_of, is_right
from dss_worker.training.model import special_ids
from dss_worker.training.processes import ALONE, Processes
from dss_worker.training.token_text import TokenText

# Tokens that are generated together, for each token of a batch: a step of generation holds the scores of one token a
# row, where the pass along the targets holds all of a row's activations.
_GENERATED_PER_TOKEN = 4
# Of a batch on a CPU: its activations fit into the caches; larger ones are a tenth slower.
_CPU_BATCH_TOKENS = 2048
# Of a group of rows that are generated together, one in so many is too few to go on for.
_JOINING_SHARE = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One model on one split."""

    # Nats per label token, mean over the split.
    loss: float
    # Whether each row's prediction is right, in the split's order.
    correct: tuple[bool, ...]
    # How often the right one of the allowed answers was the likeliest; None where that was not asked for.
    choice_accuracy: float | None = None

    @property
    def accuracy(self) -> float:
        return sum(self.correct) / len(self.correct)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Unsettled:
    """A row whose prediction must be generated."""

    row: int
    # float, [input length, d_model].
    encoded: Tensor
    # Tokens that its generation is known to begin with.
    beginning: list[int]
    hope: Hope | None


@dataclass(slots=True)
class _Tally:
    """What is known of a split's rows so far."""

    correct: Flags
    # Of the labels, summed.
    nats: float = 0.0
    likeliest: int = 0
    unsettled: list[_Unsettled] = field(default_factory=list)


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
        model_type: ModelType = "task_prefix",
        choices: ChoiceTokens | None = None,
    ) -> None:
        """
        Args:
            task: the label task of a split with at least one row; under "single_task" too its targets are labels.
            batch_size: rows of the split's greatest lengths in memory at a time, or more that are shorter: a batch
                has at most batch_size x (longest input + longest target) tokens, and 2,048 on a CPU. Besides the
                last digits of the loss, nothing depends on it.
            gen_max_len: tokens of a prediction, the decoder's start token included.
            choices: of each row the texts that are allowed as its answer, for `choice_accuracy`.
        Raises: DataError (EMPTY_TARGET) if a row has no target tokens, not even an end token.
        """
        if int(task.targets.lengths.min()) == 0:
            raise DataError("a row to evaluate on has no target tokens", code="EMPTY_TARGET")
        self._task = task
        self._tokenizer = tokenizer
        self._metric: Metric = metric
        self._max_tokens = gen_max_len - 1
        self._is_single_task = model_type == "single_task"
        self._choices = choices
        self._token_text = TokenText.made_for(tokenizer)
        self._texts: dict[bytes, str] = {}
        inputs, targets = task.inputs.lengths, task.targets.lengths
        self._is_partial: Flags = written_in_part(task.targets, tokenizer)
        self._batch_tokens = batch_size * int(inputs.max() + targets.max())

    def score(
        self,
        model: T5ForConditionalGeneration,
        *,
        between_batches: Callable[[], None] = lambda: None,
        with_choices: bool = False,
        while_choosing: Callable[[], AbstractContextManager[None]] = nullcontext,
        processes: Processes = ALONE,
    ) -> Score:
        """Leaves the model's mode and every random state as they were.

        Args:
            between_batches: called before every batch and every step of generation; may raise to end the evaluation.
            with_choices: also score the allowed answers, if the split has some.
            while_choosing: entered while they are scored by passes of their own, so that their time can be told
                apart; under "single_task" they come with the labels.
            processes: those that score the split together; each gets the whole score.
        """
        choices = self._choices if with_choices else None
        tally = _Tally(np.zeros(len(self._task.targets), dtype=np.bool_))
        inputs, targets = self._task.inputs.lengths, self._task.targets.lengths
        tokens = min(self._batch_tokens, _CPU_BATCH_TOKENS) if model.device.type == "cpu" else self._batch_tokens
        share = processes.share
        with inference(model), processes.evaluating():
            for rows in batches_by_length(inputs, targets, tokens=tokens, share=share):
                between_batches()
                encoded = encode_rows(model, self._task.inputs, rows)
                if self._is_single_task:
                    tally.unsettled += (
                        _Unsettled(row=row, encoded=encoded.of(place), beginning=[], hope=None)
                        for place, row in enumerate(rows.tolist())
                    )
                else:
                    self._follow_targets(model, encoded, tally)
                    if choices is not None:
                        with while_choosing():
                            self._compare_choices(model, encoded, choices, tally)
                self._generate(model, tally, choices, before_step=between_batches, is_end=False)
            self._generate(model, tally, choices, before_step=between_batches, is_end=True)
        # Each row has been settled by one of the processes.
        nats, likeliest, *correct = processes.sum(np.array([tally.nats, tally.likeliest, *tally.correct])).tolist()
        return Score(
            loss=nats / int(targets.sum()),
            correct=tuple(each != 0 for each in correct),
            choice_accuracy=None if choices is None else likeliest / len(correct),
        )

    def _follow_targets(self, model: T5ForConditionalGeneration, encoded: EncodedRows, tally: _Tally) -> None:
        """Settles what a pass along the targets can, and leaves the rest as unsettled."""
        found = follow_targets(model, self._task.targets, encoded, max_tokens=self._max_tokens)
        tally.nats += found.nats
        tally.correct[encoded.rows[found.is_target]] = True
        # What cannot be right is wrong however well it is repeated.
        is_open = ~found.is_target | self._is_partial[encoded.rows] | (self._metric == "equation")
        for place in np.flatnonzero(is_open).tolist():
            row = int(encoded.rows[place])
            if found.is_target[place] or not self._can_be_right(row):
                tally.correct[row] = self._can_be_right(row)
                continue
            beginning = found.beginning(place)
            if found.is_ended[place]:
                tally.correct[row] = self._is_right(row, beginning)
                continue
            hope = Hope(
                self._target_text(row),
                metric=self._metric,
                token_text=self._token_text,
                max_tokens=self._max_tokens,
            )
            if all(hope.add(token) for token in beginning):
                tally.unsettled.append(_Unsettled(row=row, encoded=encoded.of(place), beginning=beginning, hope=hope))

    def _compare_choices(
        self, model: T5ForConditionalGeneration, encoded: EncodedRows, choices: ChoiceTokens, tally: _Tally
    ) -> None:
        rows = encoded.rows.tolist()
        found = log_probabilities(
            model,
            [Candidates(encoded=encoded.of(place), prefix=[], texts=choices[row]) for place, row in enumerate(rows)],
        )
        for row, each in zip(rows, found, strict=True):
            tally.likeliest += is_label_likeliest(each, choices[row], self._task.targets.row(row).tolist())

    def _generate(
        self,
        model: T5ForConditionalGeneration,
        tally: _Tally,
        choices: ChoiceTokens | None,
        *,
        before_step: Callable[[], None],
        is_end: bool,
    ) -> None:
        """Generates unsettled rows, as many together as memory should allow; before the end, in full groups only."""
        while tally.unsettled:
            lengths = np.array([len(each.encoded) for each in tally.unsettled], dtype=np.int64)
            tokens = self._batch_tokens * _GENERATED_PER_TOKEN
            group, *others = batches_by_length(lengths, np.full_like(lengths, self._max_tokens), tokens=tokens)
            if not others and not is_end:
                return
            rows = [tally.unsettled[i] for i in group]
            tally.unsettled = [tally.unsettled[i] for other in others for i in other]
            # The last few of a group join a later one: a step costs much the same for one row as for many.
            fewest = len(rows) // _JOINING_SHARE if others else 1
            self._generate_group(model, rows, tally, choices, fewest=max(1, fewest), before_step=before_step)

    def _generate_group(
        self,
        model: T5ForConditionalGeneration,
        group: list[_Unsettled],
        tally: _Tally,
        choices: ChoiceTokens | None,
        *,
        fewest: int,
        before_step: Callable[[], None],
    ) -> None:
        def goes_on(place: int, token: int) -> bool:
            hope = group[place].hope
            return hope is None or hope.add(token)

        predictions = generate_greedily(
            model,
            [each.encoded for each in group],
            max_tokens=self._max_tokens,
            prefixes=[each.beginning for each in group],
            goes_on=goes_on,
            fewest=fewest,
            before_step=before_step,
        )
        end = special_ids(model).end
        ended = []
        for each, prediction in zip(group, predictions, strict=True):
            if each.hope is not None and each.hope.is_lost:
                continue
            if len(prediction) < self._max_tokens and prediction[-1] != end:
                tally.unsettled.append(replace(each, beginning=prediction))
                continue
            tally.correct[each.row] = self._is_right(each.row, prediction)
            ended.append((each, prediction))
        if self._is_single_task and ended:
            before_step()
            self._score_labels(model, ended, tally, choices)

    def _score_labels(
        self,
        model: T5ForConditionalGeneration,
        ended: list[tuple[_Unsettled, list[int]]],
        tally: _Tally,
        choices: ChoiceTokens | None,
    ) -> None:
        """The labels' loss, and the choices, behind the rationales that were generated."""
        marker = self._tokenizer(ANSWER_MARKER.strip(), add_special_tokens=False)["input_ids"]
        end = special_ids(model).end
        labels = [self._task.targets.row(each.row).tolist() for each, _ in ended]
        allowed = [[] if choices is None else list(choices[each.row]) for each, _ in ended]
        found = log_probabilities(
            model,
            [
                Candidates(encoded=each.encoded, prefix=led_up(prediction, marker, end=end), texts=[label, *texts])
                for (each, prediction), label, texts in zip(ended, labels, allowed, strict=True)
            ],
        )
        for each, label, texts in zip(found, labels, allowed, strict=True):
            tally.nats -= each[0]
            tally.likeliest += is_label_likeliest(each[1:], texts, label)

    def _can_be_right(self, row: int) -> bool:
        """False for an equation without a value, which equals nothing, itself included, and for a label of which
        decoding leaves nothing: an empty answer does not say it."""
        text = self._target_text(row)
        is_lost = self._is_partial[row] and not text.strip()
        return not is_lost and is_right(text, text, metric=self._metric)

    def _is_right(self, row: int, prediction: list[int]) -> bool:
        text: str | None = self._decode(prediction)
        if self._is_single_task:
            text = answer_of(text or "")
        return self._can_be_right(row) and is_right(text, self._target_text(row), metric=self._metric)

    def _target_text(self, row: int) -> str:
        """By way of the tokenizer, as in the released code: a text that it cannot write is not asked for."""
        tokens = self._task.targets.row(row)
        key = tokens.tobytes()
        if key not in self._texts:
            self._texts[key] = self._decode(tokens.tolist())
        return self._texts[key]

    def _decode(self, ids: list[int]) -> str:
        text = self._tokenizer.decode(ids, skip_special_tokens=True)
        if not isinstance(text, str):
            raise TypeError(f"expected the tokenizer to decode one text, got {type(text).__name__}")
        return text


def led_up(tokens: list[int], marker: list[int], *, end: int) -> list[int]:
    """A generated text up to its last marker; where there is none, with one at its end."""
    for begin in range(len(tokens) - len(marker), -1, -1):
        if tokens[begin : begin + len(marker)] == marker:
            return tokens[: begin + len(marker)]
    return [token for token in tokens if token != end] + marker
