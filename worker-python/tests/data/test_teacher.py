"""Each row of the table of rules, with texts made by hand, and all real texts against the reference."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType

import pytest

from dss_worker.config import Teacher
from dss_worker.data.equation import equal_values
from dss_worker.data.formats import RELEASE_READERS
from dss_worker.data.teacher import read_teacher_text

CASES: list[tuple[str, Teacher, str, str, str]] = [
    # dataset, teacher, text, rationale, label
    ("cqa", "palm", "Because.  So the answer is (c) wooded area.\n\nQ: Next?\n(a) x", "Because.", "wooded area"),
    ("cqa", "palm", " Because. So the answer is (c) a b", " Because.", "a b"),
    ("cqa", "palm", "Why. So the answer is (a) one (b) two.", "Why.", "one"),
    ("cqa", "palm", "Why. So the answer is (1) one..", "Why.", "one."),
    ("cqa", "palm", "Why. So the answer is wooded area.", "Why.", " "),
    ("cqa", "palm", "Why. So the answer is (ab) area.", "Why.", " "),
    ("cqa", "palm", "Why. So the answer is (a) ", "Why.", " "),
    ("cqa", "palm", "No marker (a) here. \n\nQ: x", "No marker (a) here.", " "),
    ("cqa", "palm", "A. So the answer is (a) b. So the answer is (c) d.", "A.", "b. So the answer is"),
    ("cqa", "palm", "Why. Q: So the answer is (a) b.", "Why.", " "),
    ("cqa", "palm", "", "", " "),
    ("cqa", "gpt", "\n Why.\nSo the answer is (b) x.\nQ: more", "Why.", "x"),
    ("cqa", "gpt", "No marker.", " ", " "),
    ("cqa", "gpt", "A. So the answer is (a) b. So the answer is (c) d.", " ", " "),
    ("cqa", "gpt", "Why. So the answer is b.", "Why.", " "),
    ("svamp", "palm", "Ten beds. The answer is (10 * (4 + 5)).\n\nQ: (1)", "Ten beds.", "(10 * (4 + 5))"),
    ("svamp", "palm", "  A. The answer is (a) and (b).", "  A.", "(a) and (b)"),
    ("svamp", "palm", "A. The answer is 450.", "A.", " "),
    ("svamp", "palm", "A. The answer is (1\n+ 2).", "A.", " "),
    ("svamp", "palm", "A. The answer is 3 (\n(1 + 2).", "A.", "(1 + 2)"),
    ("svamp", "palm", "No marker (1 + 2).", " ", " "),
    ("svamp", "palm", "A. The answer is (1). The answer is (2).", " ", " "),
    ("svamp", "palm", "A. Q: The answer is (1).", " ", " "),
    ("svamp", "gpt", "\n A. The answer is (1).", "A.", "(1)"),
    ("asdiv", "palm", " Two pens. The answer is (1 + 1).\n\nQ: The answer is (3).", " Two pens.", "(1 + 1)"),
    ("asdiv", "palm", "Two pens, so 2.", " ", " "),
    ("asdiv", "gpt", "\n Two pens. The answer is (1 + 1).", "Two pens.", "(1 + 1)"),
    ("esnli", "palm", "It rains. \nAnswer: neutral\n\nPremise: Next.\nAnswer: x", "It rains.", "neutral"),
    ("esnli", "palm", " It rains.\nAnswer: not sure ", " It rains.", "not sure"),
    ("esnli", "palm", "It rains.\nAnswer:neutral\n\nPremise", "It rains.", " "),
    ("esnli", "palm", "It rains. ", "It rains.", " "),
    ("esnli", "palm", "It rains.\nAnswer: \nPremise: Next", "It rains.", ""),
    ("esnli", "gpt", "\n It rains.\nAnswer: neutral\nPremise", "It rains.", "neutral"),
    ("anli1", "palm", "He was. So the answer is contradiction.\n\nPremise: Next", "He was.", "contradiction"),
    ("anli1", "palm", " He was. So the answer is  neutral", " He was.", "neutra"),
    ("anli1", "palm", "He was. The answer is neutral.", "", ""),
    ("anli1", "palm", "A. So the answer is b. So the answer is c.", "", ""),
    ("anli1", "palm", "A. Premise: So the answer is c.", "", ""),
    ("anli1", "gpt", "He was. So the answer is neutral.\nPremise: x", "He was.", "neutral"),
    ("anli1", "gpt", " He was. The answer is neutral.\nPremise: x", " He was.", "neutral"),
    ("anli1", "gpt", "The answer is x. So the answer is neutral.", "The answer is x.", "neutral"),
    ("anli1", "gpt", "A. The answer is b. The answer is c.", "", ""),
    ("anli1", "gpt", "He was.", "", ""),
]


@pytest.mark.parametrize(("dataset", "teacher", "text", "rationale", "label"), CASES)
def test_a_text_is_cut_and_read_by_the_rule_of_its_dataset_and_teacher(
    dataset: str, teacher: Teacher, text: str, rationale: str, label: str
) -> None:
    assert read_teacher_text(dataset, teacher, text) == (rationale, label)


def real_texts(root: Path, dataset: str, split: str) -> list[str]:
    paths = (root / dataset / "llm").glob(f"{split}_CoT_*.json")
    ordered = sorted(paths, key=lambda path: int(path.stem.rsplit("_", 1)[1]))
    return [text for path in ordered for text in json.loads(path.read_bytes())]


ACCURACIES = [
    ("cqa", "train", 9741, "0.7426"),
    ("cqa", "test", 1221, "0.7723"),
    ("svamp", "train", 800, "0.7325"),
    ("svamp", "test", 200, "0.7400"),
    ("anli1", "valid", 1000, "0.6680"),
    ("esnli", "test", 9824, "0.7299"),
]


@pytest.mark.parametrize(("dataset", "split", "count", "accuracy"), ACCURACIES)
def test_the_labels_of_palm_are_as_often_right_as_in_the_release(
    real_datasets: Path, dataset: str, split: str, count: int, accuracy: str
) -> None:
    content = (real_datasets / dataset / f"{dataset}_{split}.json").read_bytes()
    gold = [RELEASE_READERS[dataset](json.loads(line)).label for line in content.splitlines()]
    labels = [read_teacher_text(dataset, "palm", text).label for text in real_texts(real_datasets, dataset, split)]
    same = equal_values if dataset == "svamp" else str.__eq__
    right = sum(same(a, b) for a, b in zip(labels, gold, strict=True))
    assert (len(gold), f"{right / len(gold):.4f}") == (count, accuracy)


@pytest.mark.parametrize(("dataset", "split"), [(dataset, split) for dataset, split, _, _ in ACCURACIES])
def test_every_real_text_reads_as_the_reference_reads_it(
    real_datasets: Path, reference: ModuleType, dataset: str, split: str
) -> None:
    for text in real_texts(real_datasets, dataset, split):
        assert read_teacher_text(dataset, "palm", text) == reference.parse_teacher(dataset, text)
