from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from dss_worker.data.make_dispatch import (
    FOOD,
    NORTH,
    SIZES,
    TEACHER_ERROR_RATE,
    dataset_files,
    dataset_rows,
    model_files,
    vocabulary,
)

REPOSITORY = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("files", "folder"), [(dataset_files, "datasets/dispatch"), (model_files, "sweeps/models/dispatch-t5")]
)
def test_the_shipped_files_are_what_the_generator_writes(files: Callable[[], dict[str, bytes]], folder: str) -> None:
    made = files()
    assert sorted(made) == sorted(path.name for path in (REPOSITORY / folder).iterdir())
    for name, content in made.items():
        assert (REPOSITORY / folder / name).read_bytes() == content, f"{folder}/{name} differs"


def test_every_question_stands_in_one_split_only() -> None:
    splits = dataset_rows()
    assert {split: len(rows) for split, rows in splits.items()} == SIZES
    inputs = [row["input"] for rows in splits.values() for row in rows]
    assert len(set(inputs)) == 1600


def test_labels_follow_the_rule_worked_out_from_the_words_of_the_question() -> None:
    for rows in dataset_rows().values():
        for row in rows:
            words = row["input"].rstrip("?").split()
            is_food, is_north = words[4] in FOOD, words[6] in NORTH
            assert row["label"] == ("train" if is_food == is_north else "truck")


def test_no_single_word_gives_the_label_away() -> None:
    splits = dataset_rows()
    labels_by_word: dict[str, list[str]] = {}
    for row in (row for rows in splits.values() for row in rows):
        for word in row["input"].rstrip("?").split():
            labels_by_word.setdefault(word, []).append(row["label"])
    for labels in labels_by_word.values():
        assert labels.count("train") * 2 == len(labels)


def test_the_teacher_errs_as_often_as_it_says_and_stays_consistent() -> None:
    rows = [row for rows in dataset_rows().values() for row in rows]
    wrong = sum(row["label"] != row["llm_label"] for row in rows) / len(rows)
    assert abs(wrong - TEACHER_ERROR_RATE) < 3 * (TEACHER_ERROR_RATE * (1 - TEACHER_ERROR_RATE) / len(rows)) ** 0.5
    for row in rows:
        kind, _, direction = row["rationale"].rstrip(".").split()
        assert row["llm_label"] == ("train" if (kind == "food") == (direction == "north") else "truck")


def test_every_word_of_the_data_is_in_the_vocabulary() -> None:
    known = set(vocabulary())
    assert len(known) == 100
    text = json.dumps(dataset_rows())
    for mark in '{}[]":,?.':
        text = text.replace(mark, " ")
    fields = {"input", "label", "llm_label", "rationale", "valid", "test"}
    assert set(text.split()) - fields <= known
