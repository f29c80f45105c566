"""Token tables equal what the tokenizer itself gives, row by row."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
import sentencepiece
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from dss_worker.config import LabelType, SourceFile, TrialSettings
from dss_worker.data.bounded_cache import BoundedCache
from dss_worker.data.datasets import load_splits
from dss_worker.data.encode import MAX_TARGET_TOKENS, EncodedSplit, encode_split
from dss_worker.data.rows import Row, RowTable, Split
from dss_worker.data.token_cache import TokenCache
from dss_worker.data.tokens import TokenTable, tokenize
from dss_worker.errors import DataError, WorkerError
from tests.data.builders import release_source, settings

TEXTS = [
    "How do we send bread to Oslo?",
    "food going north.",
    "",
    " two  spaces ",
    "( 10.0 * 45.0 )",
    "unknown: {café} 日本",
    "predict: explain: a premise</s>a hypothesis",
    "long " * 300,
]


@pytest.fixture(scope="session")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> PreTrainedTokenizerBase:
    """A T5 tokenizer whose pieces are learned from the texts above."""
    pieces = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(TEXTS * 5),
        model_writer=pieces,
        model_type="unigram",
        vocab_size=80,
        pad_id=0,
        eos_id=1,
        unk_id=2,
        bos_id=-1,
        num_threads=1,
        hard_vocab_limit=False,
        minloglevel=2,
    )
    folder = tmp_path_factory.mktemp("tokenizer")
    (folder / "spiece.model").write_bytes(pieces.getvalue())
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "T5Tokenizer", "extra_ids": 10}))
    loaded: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(str(folder))
    return loaded


def split_of(rows: Sequence[Row], index: Sequence[int] | None = None, **changes: Any) -> Split:  # noqa: ANN401
    table = RowTable(rows=tuple(rows), digest="rows", teacher_digest="outputs")
    return Split(
        table=table, index=np.array(index if index is not None else range(len(rows)), dtype=np.int64), **changes
    )


def as_lists(table: TokenTable) -> list[list[int]]:
    return [table.row(i).tolist() for i in range(len(table))]


def rows_of(texts: Sequence[str]) -> list[Row]:
    return [
        Row(inputs=(text,), label=f"label {text}", rationale=f"why {text}", teacher_label=f"said {text}")
        for text in texts
    ]


def encode(split: Split, tokenizer: PreTrainedTokenizerBase, trial: TrialSettings, **changes: Any) -> EncodedSplit:  # noqa: ANN401
    usual = {"metric": "text", "templates": {}, "with_rationale": True}
    return encode_split(split, tokenizer, settings=trial, **{**usual, **changes})


@pytest.mark.parametrize("max_length", [1, 2, 5, 256, 1024, None])
def test_a_table_holds_what_the_tokenizer_gives_for_each_text_alone(
    tokenizer: PreTrainedTokenizerBase, max_length: int | None
) -> None:
    limit = {} if max_length is None else {"max_length": max_length, "truncation": True}
    table = tokenize(TEXTS, tokenizer, max_length=max_length)
    assert as_lists(table) == [tokenizer(text, **limit)["input_ids"] for text in TEXTS]
    assert [str(table.ids.dtype), str(table.offsets.dtype)] == ["int32", "int64"]
    assert table.lengths.tolist() == [len(row) for row in as_lists(table)]
    assert all(row[-1] == tokenizer.eos_token_id for row in as_lists(table))


def test_many_texts_are_tokenized_in_pieces_with_nothing_lost(tokenizer: PreTrainedTokenizerBase) -> None:
    texts = [str(i) for i in range(10_000)]
    table = tokenize(iter(texts), tokenizer, max_length=8)
    assert len(table) == 10_000
    for i in (0, 4095, 4096, 8191, 8192, 9_999):
        assert table.row(i).tolist() == tokenizer(texts[i])["input_ids"]


@pytest.mark.parametrize("index", [[], [0], [3, 1, 1, 2], [0, 1, 2, 3], [3, 2, 1, 0]])
def test_selected_rows_are_the_rows_selected(index: list[int]) -> None:
    rows = [[1, 2], [], [3], [4, 5, 6]]
    assert as_lists(TokenTable.of(rows).select(np.array(index, dtype=np.int64))) == [rows[i] for i in index]


def test_a_table_cannot_be_changed_by_a_trial_that_shares_it() -> None:
    table = TokenTable.of([[1, 2]])
    with pytest.raises(ValueError, match="read-only"):
        table.row(0)[0] = 9


def test_step_by_step_has_a_prefix_for_each_task(tokenizer: PreTrainedTokenizerBase) -> None:
    encoded = encode(split_of(rows_of(TEXTS), [5, 0]), tokenizer, settings(model_type="task_prefix", llm="palm"))
    assert encoded.explain is not None
    for tables, texts in (
        (encoded.predict.inputs, [f"predict: {TEXTS[5]}", f"predict: {TEXTS[0]}"]),
        (encoded.explain.inputs, [f"explain: {TEXTS[5]}", f"explain: {TEXTS[0]}"]),
        (encoded.predict.targets, [f"label {TEXTS[5]}", f"label {TEXTS[0]}"]),
        (encoded.explain.targets, [f"why {TEXTS[5]}", f"why {TEXTS[0]}"]),
    ):
        assert as_lists(tables) == [tokenizer(text)["input_ids"] for text in texts]
    assert len(encoded) == 2


def test_standard_has_no_prefix_and_no_second_task(tokenizer: PreTrainedTokenizerBase) -> None:
    encoded = encode(split_of(rows_of(TEXTS)), tokenizer, settings(), templates={"predict": "p: ", "explain": "e: "})
    assert encoded.explain is None
    assert as_lists(encoded.predict.inputs) == [tokenizer(text)["input_ids"] for text in TEXTS]


def test_a_split_that_is_only_predicted_keeps_the_prefix_and_has_no_second_task(
    tokenizer: PreTrainedTokenizerBase,
) -> None:
    trial = settings(model_type="task_prefix", llm="palm")
    encoded = encode(split_of(rows_of(TEXTS)), tokenizer, trial, with_rationale=False)
    assert encoded.explain is None
    assert encoded.predict.inputs.row(0).tolist() == tokenizer(f"predict: {TEXTS[0]}")["input_ids"]


@pytest.mark.parametrize(("label_type", "said"), [("gt", "label"), ("llm", "said")])
def test_a_single_task_is_the_rationale_and_then_the_label_without_a_prefix(
    tokenizer: PreTrainedTokenizerBase, label_type: LabelType, said: str
) -> None:
    trial = settings(model_type="single_task", label_type=label_type, llm="palm")
    encoded = encode(split_of(rows_of(TEXTS[:3]), [2, 0], label_type=label_type), tokenizer, trial)
    assert encoded.explain is None
    assert as_lists(encoded.predict.inputs) == [tokenizer(TEXTS[i])["input_ids"] for i in (2, 0)]
    texts = [f"why {TEXTS[i]} So the answer is {said} {TEXTS[i]}" for i in (2, 0)]
    assert as_lists(encoded.predict.targets) == [tokenizer(text)["input_ids"] for text in texts]


def test_a_single_task_is_judged_by_the_label_alone(tokenizer: PreTrainedTokenizerBase) -> None:
    trial = settings(model_type="single_task", llm="palm")
    encoded = encode(split_of(rows_of(["x"])), tokenizer, trial, with_rationale=False)
    assert as_lists(encoded.predict.targets) == [tokenizer("label x")["input_ids"]]


def test_a_single_tasks_target_is_cut_at_256_tokens_with_the_end_token_kept(tokenizer: PreTrainedTokenizerBase) -> None:
    row = Row(inputs=("x",), label="y", rationale="long " * 300)
    encoded = encode(split_of([row]), tokenizer, settings(model_type="single_task", llm="palm"))
    assert encoded.predict.targets.lengths.tolist() == [MAX_TARGET_TOKENS]
    assert encoded.predict.targets.row(0)[-1] == tokenizer.eos_token_id


def test_allowed_answers_come_in_tokens_and_only_when_asked_for(tokenizer: PreTrainedTokenizerBase) -> None:
    answers = (("food", "north"), ("Oslo",), ("food", "food"))
    rows = [Row(inputs=("x",), label=each[0], choices=each) for each in answers]
    encoded = encode(split_of(rows, [2, 0, 1]), tokenizer, settings(), with_choices=True)
    assert encoded.choices == tuple(
        tuple(tuple(tokenizer(text)["input_ids"]) for text in answers[i]) for i in (2, 0, 1)
    )
    # Which of them is right is a matter of equal tokens.
    assert encoded.choices[1][0] == tuple(encoded.predict.targets.row(1).tolist())
    assert encode(split_of(rows), tokenizer, settings()).choices is None


def test_a_split_with_a_row_that_names_no_answers_has_none(tokenizer: PreTrainedTokenizerBase) -> None:
    rows = [Row(inputs=("x",), label="y", choices=("y",)), Row(inputs=("x",), label="y")]
    assert encode(split_of(rows), tokenizer, settings(), with_choices=True).choices is None


def test_trials_share_allowed_answers_and_each_text_is_tokenized_once(tokenizer: PreTrainedTokenizerBase) -> None:
    counting: Any = Counting(tokenizer)
    cache = token_cache()
    rows = [Row(inputs=("x",), label="y", choices=("y", "n", "y"))] * 50
    found = [
        encode(split_of(rows), counting, settings(seed=i), with_choices=True, cache=cache, tokenizer_files=FILES)
        for i in range(2)
    ]
    assert counting.texts == 50 + 50 + 2
    assert found[0].choices is found[1].choices


def test_rationales_are_generated_from_the_inputs_with_the_explain_prefix(tokenizer: PreTrainedTokenizerBase) -> None:
    trial = settings(model_type="task_prefix", llm="palm")
    split = split_of(rows_of(TEXTS[:2]), [1, 0])
    encoded = encode(split, tokenizer, trial, with_rationale=False, with_explain_inputs=True)
    assert encoded.explain is None
    assert encoded.explain_inputs is not None
    assert as_lists(encoded.explain_inputs) == [tokenizer(f"explain: {TEXTS[i]}")["input_ids"] for i in (1, 0)]
    assert encode(split, tokenizer, trial).explain_inputs is None
    for other in (settings(), settings(model_type="single_task", llm="palm")):
        assert encode(split, tokenizer, other, with_explain_inputs=True).explain_inputs is None


def test_a_dataset_may_have_prefixes_of_its_own(tokenizer: PreTrainedTokenizerBase) -> None:
    encoded = encode(
        split_of(rows_of(["x"])),
        tokenizer,
        settings(model_type="task_prefix", llm="palm"),
        templates={"input": "{q}", "predict": "answer ", "explain": ""},
    )
    assert encoded.explain is not None
    assert as_lists(encoded.predict.inputs) == [tokenizer("answer x")["input_ids"]]
    assert as_lists(encoded.explain.inputs) == [tokenizer("x")["input_ids"]]


def test_parts_are_joined_by_the_end_token_without_spaces(tokenizer: PreTrainedTokenizerBase) -> None:
    row = Row(inputs=("A premise.", "A hypothesis."), label="neutral")
    encoded = encode(split_of([row]), tokenizer, settings())
    assert as_lists(encoded.predict.inputs) == [tokenizer("A premise.</s>A hypothesis.")["input_ids"]]
    assert encoded.predict.inputs.row(0).tolist().count(tokenizer.eos_token_id) == 2


def test_inputs_are_cut_at_the_setting_and_targets_at_256_with_the_end_token_kept(
    tokenizer: PreTrainedTokenizerBase,
) -> None:
    split = split_of(rows_of(["long " * 300]))
    encoded = encode(split, tokenizer, settings(model_type="task_prefix", llm="palm", max_input_length=7))
    assert encoded.explain is not None
    for table, length in (
        (encoded.predict.inputs, 7),
        (encoded.explain.inputs, 7),
        (encoded.predict.targets, MAX_TARGET_TOKENS),
        (encoded.explain.targets, MAX_TARGET_TOKENS),
    ):
        assert table.lengths.tolist() == [length]
        assert table.row(0)[-1] == tokenizer.eos_token_id


def test_the_teachers_labels_are_targets_where_the_split_says_so(tokenizer: PreTrainedTokenizerBase) -> None:
    trial = settings(label_type="llm", llm="palm")
    encoded = encode(split_of(rows_of(["x"]), label_type="llm"), tokenizer, trial)
    assert as_lists(encoded.predict.targets) == [tokenizer("said x")["input_ids"]]


def test_parts_need_an_end_token(tmp_path: Path) -> None:
    vocabulary = {"version": "1.0", "model": {"type": "WordLevel", "vocab": {"a": 0}, "unk_token": "a"}}
    (tmp_path / "tokenizer.json").write_text(json.dumps({**vocabulary, "added_tokens": []}))
    (tmp_path / "tokenizer_config.json").write_text('{"tokenizer_class": "PreTrainedTokenizerFast"}')
    endless = AutoTokenizer.from_pretrained(str(tmp_path))
    with pytest.raises(WorkerError, match="no end-of-sequence token"):
        encode(split_of([Row(inputs=("a", "b"), label="a")]), endless, settings())


class Counting:
    """A tokenizer that counts the texts it is given."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self._tokenizer = tokenizer
        self.texts = 0

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self._tokenizer, name)

    def __call__(self, texts: list[str], **options: Any) -> Any:  # noqa: ANN401
        self.texts += len(texts)
        return self._tokenizer(texts, **options)


def token_cache() -> BoundedCache[TokenTable]:
    return BoundedCache(limit=1_000_000, size_of=lambda table: table.size_bytes)


FILES = (SourceFile(path="spiece.model", sha256="a" * 64, size_bytes=1, role="tokenizer"),)


@pytest.mark.parametrize(
    ("changes", "made"),
    [
        ({}, 0),
        ({"seed": 5, "lr": 1e-3, "alpha": 0.1, "subsample": 0.5, "batch_size": 1}, 0),
        ({"label_type": "llm"}, 1),  # the labels alone
        ({"max_input_length": 9}, 2),  # the inputs of both tasks
        ({"model_type": "standard", "alpha": None}, 1),  # the input without prefix
    ],
)
def test_a_second_trial_tokenizes_only_what_is_new(
    tokenizer: PreTrainedTokenizerBase, changes: dict[str, Any], made: int
) -> None:
    counting: Any = Counting(tokenizer)
    cache = token_cache()
    rows = rows_of(TEXTS)
    first = settings(model_type="task_prefix", llm="palm")
    encode(split_of(rows), counting, first, cache=cache, tokenizer_files=FILES)
    # A label that is written in part is read once more, to see what it becomes.
    assert counting.texts == 4 * len(rows) + 1
    second = settings(**{"model_type": "task_prefix", "llm": "palm", **changes})
    split = split_of(rows, [2, 0], label_type=second.label_type)
    encoded = encode(split, counting, second, cache=cache, tokenizer_files=FILES)
    assert counting.texts == (4 + made) * len(rows) + 1
    alone = encode(split, tokenizer, second)
    assert as_lists(encoded.predict.inputs) == as_lists(alone.predict.inputs)
    assert as_lists(encoded.predict.targets) == as_lists(alone.predict.targets)


def test_a_single_tasks_targets_with_gold_labels_are_not_those_with_the_teachers(
    tokenizer: PreTrainedTokenizerBase,
) -> None:
    cache = token_cache()
    labels: tuple[LabelType, ...] = ("gt", "llm")
    for label_type in labels:
        trial = settings(model_type="single_task", label_type=label_type, llm="palm")
        split = split_of(rows_of(["x"]), label_type=label_type)
        encoded = encode(split, tokenizer, trial, cache=cache, tokenizer_files=FILES)
        assert as_lists(encoded.predict.targets) == as_lists(encode(split, tokenizer, trial).predict.targets)


def test_another_process_finds_the_tables_on_disk(tokenizer: PreTrainedTokenizerBase, tmp_path: Path) -> None:
    trials = [settings(model_type=each, llm="palm") for each in ("task_prefix", "single_task", "standard")]
    split = split_of(rows_of(TEXTS), [3, 0])
    for _ in range(2):
        counting: Any = Counting(tokenizer)
        cache = TokenCache(tmp_path)
        for trial in trials:
            encoded = encode(split, counting, trial, cache=cache, tokenizer_files=FILES)
            alone = encode(split, tokenizer, trial)
            assert as_lists(encoded.predict.inputs) == as_lists(alone.predict.inputs)
            assert as_lists(encoded.predict.targets) == as_lists(alone.predict.targets)
    assert counting.texts == 0


@pytest.mark.parametrize("label_type", ["gt", "llm"])
def test_gold_labels_that_the_tokenizer_mixes_up_are_refused_and_a_teachers_are_not(
    tokenizer: PreTrainedTokenizerBase, label_type: LabelType
) -> None:
    rows = [Row(inputs=("x",), label="food", teacher_label=text) for text in ("food €", "food ¥")]
    if label_type == "gt":
        rows = [replace(row, label=row.teacher_label or "") for row in rows]
    cache = token_cache()
    trial = settings(label_type=label_type, llm="palm")
    # A later trial of the process is refused as well: what was refused is not kept.
    for seed in range(2):
        asked = replace(trial, seed=seed)
        split = split_of(rows, label_type=label_type)
        if label_type == "llm":
            encode(split, tokenizer, asked, cache=cache, tokenizer_files=FILES)
            continue
        with pytest.raises(DataError, match="dataset \"svamp\": the labels 'food €' and 'food ¥' become the same"):
            encode(split, tokenizer, asked, cache=cache, tokenizer_files=FILES)
        # Neither has a value.
        encode(split, tokenizer, asked, metric="equation", cache=cache, tokenizer_files=FILES)


def test_choices_that_the_tokenizer_mixes_up_are_refused(tokenizer: PreTrainedTokenizerBase) -> None:
    rows = [Row(inputs=("x",), label="Oslo", choices=("Oslo", "€", "¥"))]
    encode(split_of(rows), tokenizer, settings())
    with pytest.raises(DataError, match="dataset \"svamp\": the choices '€' and '¥' become the same tokens"):
        encode(split_of(rows), tokenizer, settings(), with_choices=True)


@pytest.mark.parametrize("library", ["transformers", "tokenizers"])
def test_another_version_of_a_library_makes_tables_of_its_own(
    tokenizer: PreTrainedTokenizerBase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, library: str
) -> None:
    counting: Any = Counting(tokenizer)
    split = split_of(rows_of(["x"]))
    for made in (2, 4):
        encode(split, counting, settings(), cache=TokenCache(tmp_path), tokenizer_files=FILES)
        assert counting.texts == made
        # By name: transformers may have put another module in its own place since this file was read.
        monkeypatch.setattr(f"{library}.__version__", "0")


@pytest.mark.parametrize("change", ["rows", "outputs", "tokenizer"])
def test_other_content_is_tokenized_anew(tokenizer: PreTrainedTokenizerBase, change: str) -> None:
    counting: Any = Counting(tokenizer)
    cache = token_cache()
    trial = settings(model_type="task_prefix", llm="palm")
    encode(split_of(rows_of(["x"])), counting, trial, cache=cache, tokenizer_files=FILES)
    table = RowTable(
        rows=tuple(rows_of(["x"])),
        digest="other" if change == "rows" else "rows",
        teacher_digest="other" if change == "outputs" else "outputs",
    )
    other = (SourceFile(path="spiece.model", sha256="b" * 64, size_bytes=1, role="tokenizer"),)
    files = other if change == "tokenizer" else FILES
    encode(Split(table=table, index=np.array([0])), counting, trial, cache=cache, tokenizer_files=files)
    assert counting.texts == 4 + {"rows": 3, "outputs": 1, "tokenizer": 4}[change]


@pytest.mark.parametrize("model_type", ["standard", "task_prefix"])
def test_real_tokens_are_those_of_the_reference(
    real_datasets: Path, reference: ModuleType, tokenizer: PreTrainedTokenizerBase, model_type: str
) -> None:
    teacher = ["svamp/llm/train_CoT_0.json", "svamp/llm/train_CoT_1.json"]
    trial = settings(model_type=model_type, label_type="llm", llm="palm", max_input_length=32)
    train = load_splits(release_source(real_datasets, "svamp", teacher=teacher), trial).train
    encoded = encode(train, tokenizer, trial)
    args = SimpleNamespace(
        data=str(real_datasets),
        dataset="svamp",
        subsample=1.0,
        seed=0,
        label_type="llm",
        max_test=0,
        model_type=model_type,
        max_input_length=32,
    )
    theirs = reference.encode(tokenizer, reference.load(args)[0], args, True)
    tasks = [encoded.predict] if encoded.explain is None else [encoded.predict, encoded.explain]
    for task, name in zip(tasks, ("pred", "expl"), strict=False):
        rows = theirs if model_type == "standard" else [row[name] for row in theirs]
        assert as_lists(task.inputs) == [row["input_ids"] for row in rows]
        assert as_lists(task.targets) == [row["labels"] for row in rows]
