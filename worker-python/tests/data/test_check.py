"""What is told about a dataset, right and wrong."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dss_worker.data.answer import Refused
from dss_worker.data.check import MAX_WRONG_ROWS_SHOWN, check_data
from tests.data.builders import lines, write

PACKAGE = Path(__file__).parents[2]
REPOSITORY = PACKAGE.parent
TOKENIZER = REPOSITORY / "sweeps" / "models" / "dispatch-t5"


def check(root: Path, *names: str, model: Path | None = None) -> list[dict[str, Any]]:
    document: dict[str, Any] = check_data(
        {"root": str(root), "names": list(names), "model": None if model is None else str(model)}
    )
    json.dumps(document, allow_nan=False)
    datasets: list[dict[str, Any]] = document["datasets"]
    return datasets


def svamp(root: Path, outputs: list[Any]) -> Path:
    rows = [{"input": f"q{i}", "label": f"( {i} + 1 )"} for i in range(4)]
    return write(
        root,
        {
            "svamp/svamp_train.json": lines(rows),
            "svamp/svamp_test.json": lines(rows[:2]),
            "svamp/llm/train_CoT_0.json": json.dumps(outputs),
        },
    )


RIGHT = "Why. The answer is (1 + 0)."
WRONG = "Why. The answer is (9)."


def test_a_release_folder_is_counted_and_its_teacher_judged_by_value(tmp_path: Path) -> None:
    (found,) = check(svamp(tmp_path, [RIGHT, WRONG, "nothing"]), "svamp")
    assert (found["layout"], found["metric"], found["problems"]) == ("release", "equation", [])
    assert [(split["split"], split["rows"], split["distinct_labels"]) for split in found["splits"]] == [
        ("train", 4, 4),
        ("test", 2, 2),
    ]
    # Three outputs for four rows: the training split is cut to them.
    assert found["teachers"] == [
        {
            "teacher": "palm",
            "split": "train",
            "rows": 3,
            "label_accuracy": 1 / 3,
            "rationale_coverage": 2 / 3,
            "rationale_words": {"mean": 1.0, "p50": 1, "p99": 1, "max": 1},
            "tokens": None,
        }
    ]
    content = (tmp_path / "svamp/llm/train_CoT_0.json").read_bytes()
    assert found["files"][1] == {
        "path": "svamp/llm/train_CoT_0.json",
        "role": "teacher",
        "size_bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }


def test_outputs_are_in_the_order_of_their_numbers_and_gpt_lies_beside(tmp_path: Path) -> None:
    svamp(tmp_path, [])
    write(
        tmp_path,
        {f"svamp/svamp_{split}.json": lines([{"input": "q", "label": "1"}] * 12) for split in ("train", "test")},
    )
    write(
        tmp_path, {f"svamp/llm/train_CoT_{i}.json": json.dumps([f"The answer is ({int(i == 10)})."]) for i in range(12)}
    )
    write(tmp_path, {"gpt-neox/svamp/test.json": json.dumps([" \n Why. The answer is (1)."] * 12)})
    (found,) = check(tmp_path, "svamp")
    teacher_files = [file["path"] for file in found["files"] if file["role"] == "teacher"]
    assert teacher_files[:3] == [f"svamp/llm/train_CoT_{i}.json" for i in range(3)]
    assert teacher_files[-3:-1] == [f"svamp/llm/train_CoT_{i}.json" for i in (10, 11)]
    assert [(each["teacher"], each["split"], each["label_accuracy"]) for each in found["teachers"]] == [
        ("palm", "train", 1 / 12),
        ("gpt", "test", 1.0),
    ]


def test_wrong_rows_are_counted_and_the_others_still_line_up(tmp_path: Path) -> None:
    svamp(tmp_path, [RIGHT, WRONG, 5, "The answer is (4)."])
    path = tmp_path / "svamp/svamp_train.json"
    rows = path.read_text().splitlines()
    path.write_text("\n".join([rows[0], "nope", *rows[2:]]))
    (found,) = check(tmp_path, "svamp")
    assert found["wrong_rows"] == {
        "count": 2,
        "shown": [
            {
                "where": "svamp/svamp_train.json:2",
                "message": "expected JSON, got other text (column 1: Expecting value)",
            },
            {"where": "svamp/llm/train_CoT_0.json[2]", "message": "expected a text, got 5"},
        ],
    }
    assert (found["teachers"][0]["rows"], found["teachers"][0]["label_accuracy"]) == (2, 1.0)


def test_only_so_many_wrong_rows_are_shown(tmp_path: Path) -> None:
    write(tmp_path, {f"mine/{split}.jsonl": "{}\n" * 1000 for split in ("train", "test")})
    (found,) = check(tmp_path, "mine")
    assert found["wrong_rows"]["count"] == 2000
    assert len(found["wrong_rows"]["shown"]) == MAX_WRONG_ROWS_SHOWN


@pytest.mark.parametrize(
    ("split", "outputs", "said"),
    [
        ("train", 5, "svamp/llm/train_CoT_0.json: expected at most 4 outputs, one for each row of train, got 5"),
        ("test", 1, "svamp/llm/test_CoT_0.json: expected 2 outputs, one for each row of test, got 1"),
    ],
)
def test_outputs_that_do_not_line_up_are_a_problem(tmp_path: Path, split: str, outputs: int, said: str) -> None:
    svamp(tmp_path, [])
    (tmp_path / "svamp/llm/train_CoT_0.json").unlink()
    write(tmp_path, {f"svamp/llm/{split}_CoT_0.json": json.dumps([RIGHT] * outputs)})
    (found,) = check(tmp_path, "svamp")
    assert [(problem["code"], problem["message"]) for problem in found["problems"]] == [("DATASET_INVALID", said)]
    assert found["teachers"] == []


def test_a_gap_in_the_numbers_of_outputs_is_missed_since_later_ones_would_move(tmp_path: Path) -> None:
    svamp(tmp_path, [RIGHT])
    write(tmp_path, {"svamp/llm/train_CoT_2.json": json.dumps([RIGHT])})
    (found,) = check(tmp_path, "svamp")
    assert [problem["message"] for problem in found["problems"]] == ["there is no file svamp/llm/train_CoT_1.json"]
    assert found["teachers"] == []


def test_a_folder_with_a_description_is_read_as_training_reads_it(tmp_path: Path) -> None:
    row = {"question": "1 + 1?", "label": "2", "why": "count", "llm_label": "(1 + 1)"}
    unsure = {"question": "2 + 2?", "label": "4"}
    write(
        tmp_path,
        {
            "mine/train.jsonl": lines([row, row, row, unsure]),
            "mine/test.jsonl": lines([unsure]),
            "mine/dataset.yaml": "metric: equation\nfields: {rationale: why}\ntemplates: {input: 'Q: {question}'}\n",
        },
    )
    (found,) = check(tmp_path, "mine")
    assert (found["layout"], found["metric"], found["problems"]) == ("folder", "equation", [])
    assert found["splits"][0]["labels"] == [{"label": "2", "rows": 3}, {"label": "4", "rows": 1}]
    (teacher,) = found["teachers"]
    assert (teacher["teacher"], teacher["rows"], teacher["label_accuracy"]) == (None, 3, 1.0)
    # A trial that trains on rationales would refuse the dataset for these.
    assert [(row["where"], row["message"]) for row in found["wrong_rows"]["shown"]] == [
        ("mine/train.jsonl:4", f'expected a field "{field}", got only label, question')
        for field in ("why", "llm_label")
    ]
    assert [file["role"] for file in found["files"]] == ["train", "test"]


@pytest.mark.parametrize(
    ("yaml", "said"),
    [
        ("metric: bleu", "mine/dataset.yaml: metric: expected text or equation, got 'bleu'"),
        ("fields: {inputs: q}", "mine/dataset.yaml: fields: expected only the keys input, label, rationale, llm_label"),
        ("templates: {predict: 5}", "mine/dataset.yaml: templates.predict: expected a text, got 5"),
        (
            "- metric",
            "mine/dataset.yaml: expected a mapping with the keys metric, fields, "
            "templates, teachers, choices, got ['metric']",
        ),
        ("metric: text\nfields: [", "mine/dataset.yaml:2: expected YAML, got "),
        ("metric: !!python/object/apply:os.getcwd []", "mine/dataset.yaml:1: expected YAML, got could not determine"),
        ("x" * 1_100_000, "mine/dataset.yaml: expected at most 1048576 bytes, got 1100000"),
        ("", "mine/dataset.yaml:1: the file is empty"),
        ("# nothing", "mine/dataset.yaml:1: the file is empty"),
        ("metric: text\nmetric: text", 'mine/dataset.yaml:2: expected YAML, got the key "metric" is given twice'),
        (
            "templates: {input: question}",
            "mine/dataset.yaml: templates.input: expected a text with the name of a field",
        ),
        ("templates: {input: '{}'}", "mine/dataset.yaml: templates.input: expected a text with the name of a field"),
        ("base: &a {metric: text}\n<<: *a", "mine/dataset.yaml: expected only the keys metric, fields, templates"),
        ("? [a]\n: b", "mine/dataset.yaml:1: expected YAML, got found unhashable key"),
        ("teachers: {}", "mine/dataset.yaml: teachers: expected a mapping of names to fields, got {}"),
        ("teachers: {palm: {}}", "mine/dataset.yaml: teachers.palm: expected rationale or llm_label, got neither"),
        ("teachers: {palm: why}", "mine/dataset.yaml: teachers.palm: expected a mapping with the keys rationale, llm"),
        ("teachers: {palm: {why: x}}", "mine/dataset.yaml: teachers.palm: expected only the keys rationale, llm_label"),
        ("teachers: {none: {rationale: x}}", "mine/dataset.yaml: teachers: expected a name of letters, digits and ._-"),
        ("teachers: {a b: {rationale: x}}", "mine/dataset.yaml: teachers: expected a name of letters, digits and ._-"),
        (
            "teachers: {palm: {rationale: x}}\nfields: {llm_label: y}",
            "mine/dataset.yaml: fields.llm_label: expected this within one of the teachers, since there are some",
        ),
        ('choices: !!int ""', "mine/dataset.yaml: expected YAML, got "),
        ("choices: !!bool maybe", "mine/dataset.yaml: expected YAML, got "),
        (
            "choices:\n- &a0 [x, x, x, x, x, x, x, x, x]\n"
            + "".join(f"- &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 9)),
            "mine/dataset.yaml: choices: expected a list of texts, got [['x', 'x', 'x', 'x', 'x', 'x', 'x', 'x', ...]",
        ),
        ("choices: [a]", "mine/dataset.yaml: choices: expected at least two different texts, got ['a']"),
        ("choices: [a, b, a]", "mine/dataset.yaml: choices: expected at least two different texts, got "),
        ("choices: [a, 1]", "mine/dataset.yaml: choices: expected a list of texts, got ['a', 1]"),
        ("choices: [a, b]\nfields: {choices: c}", "mine/dataset.yaml: fields.choices: expected either this or choices"),
    ],
)
def test_a_description_that_is_none_is_a_problem(tmp_path: Path, yaml: str, said: str) -> None:
    row = lines([{"input": "q", "label": "y"}])
    write(tmp_path, {"mine/train.jsonl": row, "mine/test.jsonl": row, "mine/dataset.yaml": yaml})
    (found,) = check(tmp_path, "mine")
    (problem,) = found["problems"]
    assert problem["message"].startswith(said), problem["message"]


def test_a_description_is_read_as_yaml_1_2_in_which_yes_and_no_are_words(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "mine/train.jsonl": lines([{"input": "q", "label": "anything"}]),
            "mine/test.jsonl": lines([{"input": "q", "label": label} for label in ("no", "12:30", "maybe")]),
            "mine/dataset.yaml": "choices: [yes, no, 12:30, 2026-01-01, 1_000]",
        },
    )
    (found,) = check(tmp_path, "mine")
    assert found["problems"] == []
    assert found["wrong_rows"]["shown"] == [
        {
            "where": "mine/test.jsonl:3",
            "message": 'expected one of yes, no, 12:30, 2026-01-01, 1_000 in "label", got "maybe"',
        }
    ]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"label": "a", "options": ["a", "b"]}, None),
        ({"label": "c", "options": ["a", "b"]}, 'expected one of a, b in "label", got "c"'),
        ({"label": "a", "options": []}, 'expected texts in "options", got an array of 0'),
        ({"label": "a", "options": "ab"}, 'expected texts in "options", got "ab"'),
        ({"label": "a"}, 'expected texts in "options", got null'),
        ({"label": "a", "options": ["a", 2]}, 'expected a text in "options[1]", got 2'),
    ],
)
def test_the_rows_of_a_test_split_may_each_name_their_answers(
    tmp_path: Path, row: dict[str, Any], said: str | None
) -> None:
    write(
        tmp_path,
        {
            "mine/train.jsonl": lines([{"input": "q", "label": "anything"}]),
            "mine/test.jsonl": lines([{"input": "q", **row}]),
            "mine/dataset.yaml": "fields: {choices: options}",
        },
    )
    (found,) = check(tmp_path, "mine")
    assert [wrong["message"] for wrong in found["wrong_rows"]["shown"]] == ([] if said is None else [said])


def test_a_folder_may_hold_several_teachers_and_each_is_judged(tmp_path: Path) -> None:
    row = {"input": "q", "label": "y", "palm_why": "p", "palm_label": "y", "why": "h"}
    write(
        tmp_path,
        {
            "mine/train.jsonl": lines([row, {**row, "palm_label": "n"}, {**row, "why": None}]),
            "mine/test.jsonl": lines([row, {"input": "q", "label": "y", "palm_why": 5}]),
            "mine/dataset.yaml": "teachers:\n  palm: {rationale: palm_why, llm_label: palm_label}\n"
            "  human: {rationale: why}\n  robot: {llm_label: robots}\n",
        },
    )
    (found,) = check(tmp_path, "mine")
    assert [(each["teacher"], each["split"], each["rows"], each["label_accuracy"]) for each in found["teachers"]] == [
        ("palm", "train", 3, 2 / 3),
        ("human", "train", 2, None),
        ("palm", "test", 1, 1.0),
        ("human", "test", 1, None),
    ]
    # Of test rows, training reads no teacher's outputs.
    assert found["wrong_rows"]["shown"] == [
        {"where": "mine/train.jsonl:3", "message": 'expected a text in "why", got null'}
    ]
    assert [problem["message"] for problem in found["problems"]] == [
        'mine/train.jsonl: no row has the field "robots" that dataset.yaml names for the teacher robot'
    ]


def test_rows_without_a_nameless_teachers_outputs_are_right(tmp_path: Path) -> None:
    rows = lines([{"input": "q", "label": "y", "rationale": None}])
    write(tmp_path, {"mine/train.jsonl": rows, "mine/test.jsonl": rows})
    (found,) = check(tmp_path, "mine")
    assert (found["problems"], found["wrong_rows"]["count"], found["teachers"]) == ([], 0, [])


@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity"])
def test_what_only_python_takes_for_json_is_wrong(tmp_path: Path, constant: str) -> None:
    row = f'{{"input": "q", "label": "y", "score": {constant}}}\n'
    write(tmp_path, {"mine/train.jsonl": row, "mine/test.jsonl": row})
    (found,) = check(tmp_path, "mine")
    assert found["wrong_rows"]["shown"][0] == {
        "where": "mine/train.jsonl:1",
        "message": f"expected JSON, got {constant}, which is no JSON value",
    }


def asdiv(root: Path) -> Path:
    """SVAMP with outputs for all of its rows, ASDiv with outputs for two of three."""
    svamp(root, [RIGHT] * 4)
    rows = [{"Body": "Two.", "Question": "And one?", "Formula": "2+1=3", "Answer": "3 (pens)"}] * 3
    outputs = ["Why. The answer is (2 + 1).", WRONG]
    return write(root, {"asdiv/asdiv_train.json": lines(rows), "asdiv/llm/train_CoT_0.json": json.dumps(outputs)})


def test_asdiv_is_svamp_and_its_own_rows_and_is_tested_on_svamp(tmp_path: Path) -> None:
    (found,) = check(asdiv(tmp_path), "asdiv")
    assert (found["layout"], found["metric"], found["problems"], found["wrong_rows"]["count"]) == (
        "release", "equation", [], 0,
    )  # fmt: skip
    assert [(split["split"], split["rows"]) for split in found["splits"]] == [("train", 7), ("test", 2)]
    assert [(each["teacher"], each["rows"], each["label_accuracy"]) for each in found["teachers"]] == [
        ("palm", 6, 2 / 6)
    ]
    assert [(file["role"], file["path"]) for file in found["files"]] == [
        ("train", "svamp/svamp_train.json"),
        ("train", "asdiv/asdiv_train.json"),
        ("teacher", "svamp/llm/train_CoT_0.json"),
        ("teacher", "asdiv/llm/train_CoT_0.json"),
        ("test", "svamp/svamp_test.json"),
    ]


def test_asdiv_is_incomplete_without_svamp_and_has_no_teacher_that_only_one_part_has(tmp_path: Path) -> None:
    asdiv(tmp_path)
    (tmp_path / "asdiv/llm/train_CoT_0.json").unlink()
    (found,) = check(tmp_path, "asdiv")
    assert (found["problems"], found["teachers"]) == ([], [])
    for split in ("train", "test"):
        (tmp_path / f"svamp/svamp_{split}.json").unlink()
    (found,) = check(tmp_path, "asdiv")
    assert [problem["message"] for problem in found["problems"]] == [
        "there is no file svamp/svamp_train.json",
        "there is no file svamp/svamp_test.json",
    ]


def test_what_is_missing_is_named_and_the_others_are_still_looked_at(tmp_path: Path) -> None:
    write(tmp_path, {"mine/train.jsonl": lines([{"input": "q", "label": "y"}]), "esnli/esnli_test.json": ""})
    mine, absent, outside, empty = check(tmp_path, "mine", "absent", "../mine", "esnli")
    assert [problem["message"] for problem in mine["problems"]] == ["there is no file mine/test.jsonl"]
    assert mine["splits"][0]["rows"] == 1
    assert (absent["problems"][0]["code"], absent["layout"]) == ("DATASET_MISSING", None)
    assert outside["problems"][0]["message"].startswith("expected the name of a folder below")
    assert [problem["message"] for problem in empty["problems"]] == [
        "there is no file esnli/esnli_train.json",
        "there is no file esnli/esnli_valid.json",
        "esnli/esnli_test.json: expected at least one row, got none",
    ]


def test_token_lengths_are_those_of_the_models_tokenizer(tmp_path: Path) -> None:
    rows = [{"input": "How do we send bread to Oslo?", "label": "train", "rationale": "food going north."}] * 99
    rows.append({"input": "Oslo", "label": "train train", "rationale": "north"})
    write(tmp_path, {"mine/train.jsonl": lines(rows), "mine/test.jsonl": lines(rows)})
    (found,) = check(tmp_path, "mine", model=TOKENIZER)
    assert found["splits"][0]["tokens"] == {
        "input": {"mean": (99 * 9 + 2) / 100, "p50": 9, "p99": 9, "max": 9, "unknown": 0.0},
        "label": {"mean": (99 * 2 + 3) / 100, "p50": 2, "p99": 2, "max": 3, "unknown": 0.0},
    }
    assert found["teachers"][0]["tokens"] == {
        "rationale": {"mean": (99 * 5 + 2) / 100, "p50": 5, "p99": 5, "max": 5, "unknown": 0.0}
    }


def test_what_is_unknown_to_the_models_tokenizer_is_told_and_labels_that_it_mixes_up_are_a_problem(
    tmp_path: Path,
) -> None:
    rows = [
        {"input": "send bread to Lagos", "label": "train billing", "rationale": "food or tickets"},
        {"input": "send bread to Oslo", "label": "train tech", "rationale": "north"},
    ]
    write(tmp_path, {"mine/train.jsonl": lines(rows), "mine/test.jsonl": lines(rows[:1])})
    (found,) = check(tmp_path, "mine", model=TOKENIZER)
    tokens = found["splits"][0]["tokens"]
    # End tokens are known to every vocabulary, and no part of a text.
    assert (tokens["input"]["unknown"], tokens["label"]["unknown"]) == (1 / 8, 2 / 4)
    assert found["teachers"][0]["tokens"]["rationale"]["unknown"] == 2 / 4
    assert [(problem["code"], problem["message"]) for problem in found["problems"]] == [
        (
            "DATASET_INVALID",
            "train: the labels 'train billing' and 'train tech' become the same tokens of the model",
        )
    ]
    assert check(tmp_path, "mine")[0]["problems"] == []


def test_choices_that_the_models_tokenizer_mixes_up_are_a_problem(tmp_path: Path) -> None:
    row = {"input": "send bread", "label": "train", "ways": ["train", "bicycle", "balloon"]}
    write(
        tmp_path,
        {
            "mine/train.jsonl": lines([row]),
            "mine/test.jsonl": lines([row]),
            "mine/dataset.yaml": "fields: {choices: ways}\n",
        },
    )
    (found,) = check(tmp_path, "mine", model=TOKENIZER)
    assert [problem["message"] for problem in found["problems"]] == [
        "test: the choices 'bicycle' and 'balloon' become the same tokens of the model"
    ]


def test_a_model_directory_without_a_tokenizer_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="its tokenizer cannot be loaded") as caught:
        check(tmp_path, "mine", model=tmp_path)
    assert caught.value.code == "MODEL_INVALID"
    with pytest.raises(Refused, match="there is no model directory"):
        check(tmp_path, "mine", model=tmp_path / "nowhere")


def test_the_command_answers_one_request_with_one_document(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "dss_worker.data.check"],
        input=json.dumps({"root": str(tmp_path), "names": ["absent"], "model": None}),
        env={**os.environ, "PYTHONPATH": str(PACKAGE)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout)["datasets"][0]["name"] == "absent"


REAL = [
    ("cqa", "train", 9741, "0.7426"),
    ("cqa", "test", 1221, "0.7723"),
    ("svamp", "train", 800, "0.7325"),
    ("svamp", "test", 200, "0.7400"),
    ("anli1", "valid", 1000, "0.6680"),
    ("esnli", "test", 9824, "0.7299"),
]


def test_real_teachers_are_as_good_as_the_release_says(real_datasets: Path) -> None:
    found = check(real_datasets, "cqa", "svamp", "anli1", "esnli")
    assert [
        (dataset["name"], each["split"], each["rows"], f"{each['label_accuracy']:.4f}")
        for dataset in found
        for each in dataset["teachers"]
    ] == REAL
    assert {dataset["wrong_rows"]["count"] for dataset in found} == {0}


def rows_of(label_of: Any, numbers: range) -> list[dict[str, str]]:  # noqa: ANN401
    return [{"input": f"question {number}", "label": label_of(number)} for number in numbers]


def parity(number: int) -> str:
    return "odd" if number % 2 else "even"


@pytest.mark.parametrize(
    ("yaml", "train", "test", "notes"),
    [
        ("", rows_of(parity, range(40)), rows_of(parity, range(40, 60)), []),
        (
            "",
            rows_of(parity, range(40)),
            rows_of(parity, range(35, 55)),
            ["test: 5 of 20 rows have the inputs of a row of train"],
        ),
        (
            "",
            [*rows_of(parity, range(40)), *rows_of(lambda _: "odd", range(3))],
            rows_of(parity, range(40, 60)),
            ["train: 3 of 43 rows repeat the inputs of another; 2 of these inputs have more than one label"],
        ),
        (
            "",
            rows_of(parity, range(40)),
            rows_of(lambda number: ["Odd ", "prime"][number % 2], range(40, 60)),
            [
                "test: 20 of 20 rows have a label that no row of train has: 'Odd ' (train has 'odd'), 'prime'",
            ],
        ),
        # Answers in words of their own.
        ("", rows_of(str, range(40)), rows_of(str, range(40, 60)), []),
        (
            "",
            rows_of(lambda number: "" if number < 2 else parity(number), range(40)),
            rows_of(parity, range(40, 60)),
            ["train: 2 of 40 rows have a blank label"],
        ),
        (
            "",
            rows_of(lambda _: "odd", range(40)),
            rows_of(lambda _: "odd", range(40, 60)),
            ["train: all rows have the label 'odd'", "test: all rows have the label 'odd'"],
        ),
        (
            "metric: equation",
            rows_of(lambda number: f"{number} + 1", range(40)),
            rows_of(parity, range(40, 60)),
            ["test: 20 of 20 rows have a label without a value, such as 'even'"],
        ),
    ],
    ids=["sound", "leak", "repeated", "other labels", "open answers", "blank", "one label", "no equations"],
)
def test_what_is_allowed_and_seldom_meant_is_noted(
    tmp_path: Path, yaml: str, train: list[dict[str, str]], test: list[dict[str, str]], notes: list[str]
) -> None:
    files = {"mine/train.jsonl": lines(train), "mine/test.jsonl": lines(test)}
    write(tmp_path, {**files, **({"mine/dataset.yaml": yaml} if yaml else {})})
    (found,) = check(tmp_path, "mine")
    assert (found["problems"], found["wrong_rows"]["count"]) == ([], 0)
    assert [note["message"] for note in found["notes"]] == notes
    assert all(note["hint"] for note in found["notes"])


def test_white_space_around_a_label_does_not_make_its_teacher_wrong(tmp_path: Path) -> None:
    row = [{"input": "q", "label": " odd", "llm_label": "odd", "rationale": "why"}]
    write(tmp_path, {"mine/train.jsonl": lines(row), "mine/test.jsonl": lines(rows_of(parity, range(2)))})
    (found,) = check(tmp_path, "mine")
    assert found["teachers"][0]["label_accuracy"] == 1.0
