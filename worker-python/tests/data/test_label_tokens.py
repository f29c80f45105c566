"""Which labels and choices are refused, since answers could not be compared with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from transformers import PreTrainedTokenizerBase

from dss_worker.config import Metric
from dss_worker.data.datasets import read_table
from dss_worker.data.label_tokens import check_choices, check_labels, check_room
from dss_worker.data.tokens import tokenize
from dss_worker.errors import DataError
from tests.data.builders import release_source
from tests.training.spiece import spiece_tokenizer


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> PreTrainedTokenizerBase:
    """Of the real kind; it knows small letters, the digits to 8, and `( ) + - / .`."""
    return spiece_tokenizer(tmp_path_factory.mktemp("tokenizer"))


def check(labels: Sequence[str], tokenizer: PreTrainedTokenizerBase, *, metric: Metric = "text") -> None:
    check_labels(labels, tokenize(labels, tokenizer), tokenizer, metric=metric, place="test")


REFUSED: list[tuple[Metric, list[str], str]] = [
    ("text", ["zoo", "日本", "{}"], r"got '日本', '\{\}', of which it has none"),
    ("text", ["日", "月", "火", "水", "木"], r"got '日', '月', '火' and 2 more, of which it has none"),
    ("text", ["{"], r"got '\{', of which it has none"),
    # Normalised away, so that there is not even an unknown token.
    ("text", ["zoo", "\u200b"], r"got '\\u200b', of which it has none"),
    ("text", ["</s>"], r"got '</s>', of which it has none"),
    ("text", ["zoo", "a < b", "a ~ b"], "the labels 'a < b' and 'a ~ b' become the same tokens"),
    # What is written of one is the other.
    ("text", ["ab", "a<b"], "the labels 'ab' and 'a<b' become the same tokens"),
    ("text", ["a<b", "ab"], "the labels 'a<b' and 'ab' become the same tokens"),
    ("text", ["zoo", "zoo</s>"], "the labels 'zoo' and 'zoo</s>' become the same tokens"),
    # Of compatible forms: not the same to whoever wrote them.
    ("text", ["m²", "m2"], "the labels 'm²' and 'm2' become the same tokens"),
    ("text", ["zoo " * 40 + "a < b", "zoo " * 40 + "a ~ b"], "zoo …' and 'zoo "),
    # A minus that is none: 53 would count as right.
    (
        "equation",
        ["8.0 + 1.0", "5\u22123"],
        "the label '5\u22123' becomes '53' in the model's tokens, which has another value",
    ),
    ("equation", ["9.0 + 1.0"], r"the label '9.0 \+ 1.0' becomes '.0 \+ 1.0' in the model's tokens"),
    ("equation", ["≈"], "got '≈', of which it has none"),
]


@pytest.mark.parametrize(("metric", "labels", "said"), REFUSED)
def test_labels_that_answers_could_not_be_compared_with_are_refused(
    tokenizer: PreTrainedTokenizerBase, metric: Metric, labels: list[str], said: str
) -> None:
    with pytest.raises(DataError, match=said) as caught:
        check(labels * 3, tokenizer, metric=metric)
    assert (caught.value.code, caught.value.message[:6]) == ("DATASET_INVALID", "test: ")
    assert "dss data check NAME --model DIR" in caught.value.hint


ALLOWED: list[tuple[Metric, list[str]]] = [
    ("text", ["river bank", "zoo", "a", "b", "ab"]),
    # Unknown in part, and still told apart.
    ("text", ["a < b", "b < a", "a"]),
    # Nobody tells them apart; the release's CommonsenseQA has such choices.
    ("text", ["river bank", "river  bank", " river bank "]),
    ("text", ["café", "cafe\u0301"]),
    # An empty label is an answer like any other.
    ("text", ["", " ", "zoo"]),
    # Without a value in tokens, so that no answer is right.
    ("equation", ["7.0 * 3.0", "7.0 / 3.0"]),
    ("equation", ["1.0 < 2.0", "1.0 ~ 2.0"]),
    ("equation", ["( 1.0 + 2.0 )", "( 2.0 + 1.0 )", "( 1.0  +  2.0 )"]),
]


@pytest.mark.parametrize(("metric", "labels"), ALLOWED)
def test_labels_that_are_still_told_apart_are_allowed(
    tokenizer: PreTrainedTokenizerBase, metric: Metric, labels: list[str]
) -> None:
    check(labels * 3, tokenizer, metric=metric)


def test_choices_must_differ_from_others_of_their_row_only(tokenizer: PreTrainedTokenizerBase) -> None:
    texts = ["a < b", "a ~ b", "zoo", "日"]
    table = tokenize(texts, tokenizer)
    check_choices([("a < b", "zoo"), ("a ~ b", "日")], texts, table, tokenizer, place="test")
    with pytest.raises(DataError, match="test: the choices 'a < b' and 'a ~ b' become the same tokens"):
        check_choices([("zoo", "a < b"), ("a < b", "zoo", "a ~ b")], texts, table, tokenizer, place="test")


def test_real_labels_and_choices_are_told_apart(real_datasets: Path, tmp_path: Path) -> None:
    metrics: Mapping[str, Metric] = {"cqa": "text", "svamp": "equation"}
    for name, metric in metrics.items():
        table = read_table(release_source(real_datasets, name), name, "train")
        labels = [row.label for row in table.rows]
        choices = list(dict.fromkeys(row.choices or () for row in table.rows))
        texts = list(dict.fromkeys([*labels, *(text for each in choices for text in each)]))
        real = spiece_tokenizer(tmp_path / name, lines=texts, size=120)
        check_labels(labels, tokenize(labels, real), real, metric=metric, place=name)
        check_choices(choices, texts, tokenize(texts, real), real, place=name)


def test_labels_must_fit_into_a_prediction(tokenizer: PreTrainedTokenizerBase) -> None:
    table = tokenize(["a", "a cat", "a cat sat"], tokenizer)
    shortest, *_, longest = sorted(table.lengths - 1)
    # The start token counts, the end token need not come.
    assert check_room(table, gen_max_len=longest + 1, place="test") == 0
    assert check_room(table, gen_max_len=shortest + 1, place="test") == 2
    with pytest.raises(
        DataError, match=f"no label fits into gen_max_len {shortest}: the shortest has {shortest}"
    ) as error:
        check_room(table, gen_max_len=shortest, place="test")
    assert f"set gen_max_len to {longest + 1}" in error.value.hint
