"""Evaluation settles most rows without generating them; here it is held against generating all of them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from transformers import PreTrainedTokenizerBase, T5ForConditionalGeneration

from dss_worker.config import Metric, ModelType
from dss_worker.data.encode import EncodedTask
from dss_worker.data.tokens import TokenTable, tokenize
from dss_worker.errors import DataError
from dss_worker.training.collate import collate_task
from dss_worker.training.evaluate import Evaluator, Score
from dss_worker.training.follow_targets import compare
from dss_worker.training.model import load_tokenizer, special_ids
from tests.training.plain import by_generation, trained_for
from tests.training.support import VOCABULARY, tiny_model, write_model

# The first two can be taken for right although they are not their targets; the last has no value.
LABELS = ["( 1 + 2 )", "3", "( 2 - 2 )", "( 4 * 3 )", "( 5 + 6 + 7 )", "plus and", "( 7 / 0 )"]


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> PreTrainedTokenizerBase:
    return load_tokenizer(write_model(tmp_path_factory.mktemp("model")))


@pytest.fixture(scope="module")
def task(tokenizer: PreTrainedTokenizerBase) -> EncodedTask:
    """160 rows: a prefix of very different length, a number, and the label that belongs to the number."""
    draw = np.random.default_rng(0)
    numbers = draw.integers(0, len(LABELS), size=160)
    inputs = [f"{'and ' * int(draw.integers(0, 9))}{number} of {draw.integers(0, 9)}" for number in numbers]
    targets = [LABELS[number] for number in numbers]
    return EncodedTask(tokenize(inputs, tokenizer), tokenize(targets, tokenizer))


@pytest.fixture(scope="module")
def models(task: EncodedTask) -> list[T5ForConditionalGeneration]:
    """Untrained, and at some points of a training that leaves off when about half is right."""
    return list(half_trained(task))


def half_trained(task: EncodedTask) -> Iterator[T5ForConditionalGeneration]:
    for steps in (0, 25, 45, 70):
        model = tiny_model(seed=0)
        trained_for(steps, model, task, lr=1e-2)
        yield model


def score(
    model: T5ForConditionalGeneration,
    task: EncodedTask,
    tokenizer: PreTrainedTokenizerBase,
    *,
    metric: Metric = "text",
    batch_size: int = 16,
    gen_max_len: int = 10,
) -> Score:
    evaluator = Evaluator(task, tokenizer=tokenizer, metric=metric, batch_size=batch_size, gen_max_len=gen_max_len)
    return evaluator.score(model)


@pytest.mark.parametrize("metric", ["text", "equation"])
@pytest.mark.parametrize("gen_max_len", [2, 5, 6, 7, 9, 20])
def test_every_row_is_right_or_wrong_as_by_generation(
    models: list[T5ForConditionalGeneration],
    task: EncodedTask,
    tokenizer: PreTrainedTokenizerBase,
    metric: Metric,
    gen_max_len: int,
) -> None:
    for model in models:
        expected = by_generation(model, task, tokenizer, metric=metric, gen_max_len=gen_max_len)
        assert list(score(model, task, tokenizer, metric=metric, gen_max_len=gen_max_len).correct) == expected


def test_targets_without_an_end_token_are_generated_to_their_end(
    models: list[T5ForConditionalGeneration], task: EncodedTask, tokenizer: PreTrainedTokenizerBase
) -> None:
    endless = EncodedTask(task.inputs, TokenTable.of(task.targets.row(row)[:-1].tolist() for row in range(160)))
    expected = by_generation(models[3], endless, tokenizer, metric="text", gen_max_len=10)
    assert list(score(models[3], endless, tokenizer).correct) == expected
    assert any(expected)


def test_the_models_that_this_was_tried_on_are_half_trained(
    models: list[T5ForConditionalGeneration], task: EncodedTask, tokenizer: PreTrainedTokenizerBase
) -> None:
    accuracies = [score(model, task, tokenizer).accuracy for model in models]
    assert accuracies[0] == 0
    assert any(0.2 < accuracy < 0.8 for accuracy in accuracies), accuracies


def test_an_equation_written_another_way_is_found_by_generating_it(
    task: EncodedTask, tokenizer: PreTrainedTokenizerBase
) -> None:
    """A model that always says 3 is right where the target is ( 1 + 2 )."""
    model = always_saying(VOCABULARY.index("3"))
    score_ = score(model, task, tokenizer, metric="equation")
    targets = [tokenizer.decode(task.targets.row(row), skip_special_tokens=True) for row in range(160)]
    assert list(score_.correct) == [target in ("3", "( 1 + 2 )") for target in targets]
    assert 0 < sum(score_.correct) < 160


def always_saying(token: int) -> T5ForConditionalGeneration:
    """Says the token after the start token, and the end token after that."""
    model = tiny_model(seed=0, tie_word_embeddings=False)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith((".o.weight", ".wo.weight")):
                parameter.zero_()  # The decoder's last state is its token's embedding, normalised.
        model.shared.weight.zero_()
        model.lm_head.weight.zero_()
        model.shared.weight[0, 0] = model.lm_head.weight[token, 0] = 1.0
        model.shared.weight[token, 1] = model.lm_head.weight[1, 1] = 1.0
    return model


def test_special_tokens_do_not_make_a_text_wrong(tokenizer: PreTrainedTokenizerBase) -> None:
    """`<unk>` is one: a model that only says it is right where the label is empty."""
    empty = EncodedTask(tokenize(["1", "2"], tokenizer), tokenize(["", "3"], tokenizer))
    assert score(always_saying(2), empty, tokenizer).correct == (True, False)


@pytest.mark.parametrize("metric", ["text", "equation"])
@pytest.mark.parametrize("model_type", ["task_prefix", "single_task"])
@pytest.mark.parametrize("said", [1, 2])
def test_an_empty_answer_is_never_right_where_the_label_is_not_empty(
    tokenizer: PreTrainedTokenizerBase, metric: Metric, model_type: ModelType, said: int
) -> None:
    """Whatever the tokenizer makes of the label: of one it has no token, and decodes it to nothing as well."""
    labels = ["gravity", "heavy gravity", "3"]
    task = EncodedTask(tokenize(["1", "2", "3"], tokenizer), tokenize(labels, tokenizer))
    evaluator = Evaluator(task, tokenizer=tokenizer, metric=metric, batch_size=4, gen_max_len=10, model_type=model_type)
    assert evaluator.score(always_saying(said)).correct == (False, False, False)


def test_the_loss_is_the_mean_over_all_label_tokens(
    models: list[T5ForConditionalGeneration], task: EncodedTask, tokenizer: PreTrainedTokenizerBase
) -> None:
    model = models[1]
    batch = collate_task(task, np.arange(160), special=special_ids(model))
    model.train(mode=False)
    with torch.no_grad():
        output = model(input_ids=batch.input_ids, attention_mask=batch.attention_mask, labels=batch.targets)
    assert score(model, task, tokenizer).loss == pytest.approx(output.loss.item(), rel=1e-5)


@pytest.mark.parametrize("batch_size", [1, 7, 200])
def test_the_batch_size_does_not_matter(
    models: list[T5ForConditionalGeneration], task: EncodedTask, tokenizer: PreTrainedTokenizerBase, batch_size: int
) -> None:
    expected, found = (score(models[2], task, tokenizer, batch_size=size) for size in (16, batch_size))
    assert found.correct == expected.correct
    assert found.loss == pytest.approx(expected.loss, rel=1e-5)


def test_training_does_not_notice(task: EncodedTask, tokenizer: PreTrainedTokenizerBase) -> None:
    model = tiny_model(seed=0)
    model.train()
    state = torch.get_rng_state()
    score(model, task, tokenizer)
    assert model.training
    assert torch.equal(torch.get_rng_state(), state)
    assert all(parameter.grad is None for parameter in model.parameters())


# What is known of a generation after a pass along the target 5 6 ... that chose as given: tokens, and if they are all.
@pytest.mark.parametrize(
    ("target", "chosen", "max_tokens", "known", "is_ended"),
    [
        ([5, 6, 1], [5, 6, 1], 9, 3, True),
        ([5, 6, 1], [5, 6, 7], 9, 3, False),
        ([5, 6, 1], [5, 7, 1], 9, 2, False),
        ([5, 6, 1], [5, 1, 1], 9, 2, True),
        ([5, 6, 1], [4, 6, 1], 9, 1, False),
        ([5, 6, 1], [5, 6, 1], 2, 2, True),
        ([5, 6, 1], [5, 7, 1], 2, 2, True),
        ([5, 6, 1], [4, 6, 1], 2, 1, False),
        ([5, 6, 1], [5, 6, 1], 0, 0, True),
        ([5, 1, 6, 1], [5, 1, 7, 1], 9, 2, True),
        ([5, 6], [5, 6], 9, 2, False),
        ([5, 6], [5, 6], 2, 2, True),
        ([1], [1], 9, 1, True),
        ([1], [4], 9, 1, False),
    ],
)
def test_a_pass_along_the_target_says_how_generation_begins(
    target: list[int], chosen: list[int], max_tokens: int, known: int, is_ended: bool
) -> None:
    other = [5, 6, 7, 1]
    found = compare(
        np.array([*other, *target, *other]),
        np.array([*other, *chosen, *other]),
        np.array([4, len(target), 4]),
        nats=0.0,
        end=1,
        max_tokens=max_tokens,
    )
    assert (found.known[1], found.is_ended[1]) == (known, is_ended)
    assert found.beginning(1) == chosen[:known]
    assert found.is_target[1] == (is_ended and chosen[:known] == target)


def test_a_row_without_any_target_token_is_refused(tokenizer: PreTrainedTokenizerBase) -> None:
    task = EncodedTask(tokenize(["1", "2"], tokenizer), TokenTable.of([[5, 1], []]))
    with pytest.raises(DataError, match="no target tokens"):
        score(tiny_model(), task, tokenizer)
