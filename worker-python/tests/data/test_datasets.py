"""From files to splits, in both layouts."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from dss_worker.config import DatasetSource
from dss_worker.data.datasets import load_splits, row_table_cache
from dss_worker.data.rows import Split, split_rows
from dss_worker.errors import DataError
from tests.data.builders import lines, release_source, settings, source, write

TEACHER = "svamp/llm/train_CoT_0.json"


def svamp(root: Path, *, rows: int = 20, outputs: int = 20) -> Path:
    """Rows and outputs that are told apart by number."""
    return write(
        root,
        {
            "svamp/svamp_train.json": lines({"input": f"q{i}", "label": f"( {i} )"} for i in range(rows)),
            "svamp/svamp_test.json": lines({"input": f"t{i}", "label": f"( {i} )"} for i in range(3)),
            TEACHER: json.dumps([f"why {i}. The answer is ({i} + 0).\n\nQ: x" for i in range(outputs)]),
        },
    )


def folder(root: Path, rows: list[dict[str, Any]], *, valid: bool = False, **changes: Any) -> DatasetSource:  # noqa: ANN401
    """A dataset of a user's own whose splits all have the same rows."""
    roles = ["train", "test", *(["valid"] if valid else [])]
    write(root, {f"mine/{role}.jsonl": lines(rows) for role in roles})
    return source(root, [(f"mine/{role}.jsonl", role) for role in roles], layout="folder", **changes)


def questions(split: Split) -> list[str]:
    return ["|".join(row.inputs) for row in split]


def targets(split: Split) -> list[str | None]:
    return [row.label if split.label_type == "gt" else row.teacher_label for row in split]


def test_cqa_reads_as_question_and_lettered_choices(tmp_path: Path) -> None:
    row = {"question": "Where?", "choices": ["a b", "c", "d", "e", "f"], "answer": "c", "more": 1}
    write(tmp_path, {f"cqa/cqa_{split}.json": lines([row, row]) for split in ("train", "test")})
    splits = load_splits(release_source(tmp_path, "cqa"), settings(dataset="cqa"))
    (first, _) = splits.test
    assert first.inputs == ("Where?\nAnswer Choices:\n(a) a b\n(b) c\n(c) d\n(d) e\n(e) f",)
    assert (first.label, first.rationale, first.teacher_label) == ("c", None, None)


@pytest.mark.parametrize("name", ["esnli", "anli1"])
def test_nli_has_two_parts_and_its_labels_are_numbers_or_words(tmp_path: Path, name: str) -> None:
    labels = [0, 1, 2, "contradiction"]
    rows = [{"premise": "P", "hypothesis": "H", "label": label} for label in labels]
    write(tmp_path, {f"{name}/{name}_{split}.json": lines(rows) for split in ("train", "valid", "test")})
    splits = load_splits(release_source(tmp_path, name), settings(dataset=name))
    assert [row.label for row in splits.train] == ["entailment", "neutral", "contradiction", "contradiction"]
    assert {row.inputs for row in splits.train} == {("P", "H")}
    assert [len(splits.train), len(splits.valid), len(splits.test)] == [4, 4, 4]


def test_a_tenth_is_split_off_with_seed_0_whatever_the_trials_seed(tmp_path: Path) -> None:
    dataset = release_source(svamp(tmp_path), "svamp")
    kept, split_off = split_rows(20, 0.1, 0)
    for seed in (0, 7):
        splits = load_splits(dataset, settings(seed=seed))
        assert questions(splits.train) == [f"q{i}" for i in kept]
        assert questions(splits.valid) == [f"q{i}" for i in split_off]
        assert questions(splits.test) == ["t0", "t1", "t2"]


def test_the_subsample_comes_before_the_tenth_and_takes_the_trials_seed(tmp_path: Path) -> None:
    splits = load_splits(release_source(svamp(tmp_path), "svamp"), settings(seed=7, subsample=0.25))
    subsample, _ = split_rows(20, 0.75, 7)
    kept, split_off = split_rows(5, 0.1, 0)
    assert questions(splits.train) == [f"q{subsample[i]}" for i in kept]
    assert questions(splits.valid) == [f"q{subsample[i]}" for i in split_off]


def test_rows_beyond_the_teachers_outputs_are_cut_before_anything_is_drawn(tmp_path: Path) -> None:
    dataset = release_source(svamp(tmp_path, outputs=15), "svamp", teacher=[TEACHER])
    kept, _ = split_rows(15, 0.1, 0)
    splits = load_splits(dataset, settings(model_type="task_prefix", llm="palm"))
    assert questions(splits.train) == [f"q{i}" for i in kept]
    assert [row.rationale for row in splits.train] == [f"why {i}." for i in kept]


def test_a_trial_that_reads_no_teacher_is_not_cut(tmp_path: Path) -> None:
    splits = load_splits(release_source(svamp(tmp_path, outputs=15), "svamp"), settings())
    assert len(splits.train) + len(splits.valid) == 20


def test_the_teachers_labels_are_for_training_alone(tmp_path: Path) -> None:
    dataset = release_source(svamp(tmp_path), "svamp", teacher=[TEACHER])
    kept, split_off = split_rows(20, 0.1, 0)
    splits = load_splits(dataset, settings(label_type="llm", llm="palm"))
    assert targets(splits.train) == [f"({i} + 0)" for i in kept]
    assert targets(splits.valid) == [f"( {i} )" for i in split_off]
    assert targets(splits.test) == ["( 0 )", "( 1 )", "( 2 )"]


def test_teacher_files_are_read_in_the_order_that_the_plan_gives(tmp_path: Path) -> None:
    svamp(tmp_path, rows=12)
    parts = {f"svamp/llm/train_CoT_{i}.json": json.dumps([f"part {i}. The answer is (1)."]) for i in range(12)}
    write(tmp_path, parts)
    dataset = release_source(tmp_path, "svamp", teacher=list(parts))
    splits = load_splits(dataset, settings(model_type="task_prefix", llm="palm"))
    by_question = {row.inputs[0]: row.rationale for row in splits.train}
    assert by_question["q10"] == "part 10."


GPT_TEXTS = {
    "cqa": ("\n Why {i}.\nSo the answer is (b) x{i}.\nQ: more", " x"),
    "svamp": ("\n Why {i}. The answer is ({i}).\n\nQ: more", "()"),
    "esnli": ("\n Why {i}.\nAnswer: neutral\nPremise", "neutral"),
    "anli1": ("Why {i}. The answer is neutral.\nPremise: more", "neutral"),
}


@pytest.mark.parametrize("name", list(GPT_TEXTS))
def test_the_outputs_of_gpt_neox_lie_in_one_file_beside_the_dataset(tmp_path: Path, name: str) -> None:
    text, label = GPT_TEXTS[name]
    path = f"gpt-neox/{name}/train.json"
    files = {f"{name}/{name}_{split}.json": f"{SOUND[name]}\n" * 4 for split in ("train", "valid", "test")}
    write(tmp_path, {**files, path: json.dumps([text.replace("{i}", str(i)) for i in range(3)])})
    dataset = release_source(tmp_path, name, teacher=[path])
    trial = settings(dataset=name, model_type="task_prefix", label_type="llm", llm="gpt")
    splits = load_splits(dataset, trial)
    assert [row.rationale for row in splits.train] == [f"Why {i}." for i in range(3)]
    expected = {"cqa": [f"x{i}" for i in range(3)], "svamp": [f"({i})" for i in range(3)]}
    assert targets(splits.train) == expected.get(name, [label] * 3)


def asdiv(root: Path, *, outputs: int = 5) -> DatasetSource:
    """As the plan has it: the 20 rows of SVAMP with outputs for 18 of them, and five of ASDiv."""
    svamp(root, outputs=18)
    rows = [{"Body": f"b{i}", "Question": f"a{i}", "Formula": "x", "Answer": f"{i} (pens)"} for i in range(5)]
    texts = [f"because {i}. The answer is ({i} * 1)." for i in range(outputs)]
    write(root, {"asdiv/asdiv_train.json": lines(rows), "asdiv/llm/train_CoT_0.json": json.dumps(texts)})
    roles = [
        ("svamp/svamp_train.json", "train"),
        ("asdiv/asdiv_train.json", "train"),
        ("svamp/svamp_test.json", "test"),
    ]
    teachers = [(TEACHER, "teacher"), ("asdiv/llm/train_CoT_0.json", "teacher")]
    return source(root, [*roles, *teachers], metric="equation")


def test_asdiv_is_svamps_rows_and_then_its_own_and_is_tested_on_svamps(tmp_path: Path) -> None:
    splits = load_splits(asdiv(tmp_path), settings(dataset="asdiv"))
    kept, split_off = split_rows(25, 0.1, 0)
    rows = [(f"q{i}", f"( {i} )") for i in range(20)] + [(f"b{i}\na{i}", f"{i}") for i in range(5)]
    assert [(row.inputs[0], row.label) for row in splits.train] == [rows[i] for i in kept]
    assert [(row.inputs[0], row.label) for row in splits.valid] == [rows[i] for i in split_off]
    assert questions(splits.test) == ["t0", "t1", "t2"]


def test_each_part_of_asdiv_is_cut_to_its_own_outputs_before_anything_is_drawn(tmp_path: Path) -> None:
    trial = settings(dataset="asdiv", model_type="task_prefix", label_type="llm", llm="palm", subsample=0.5, seed=3)
    splits = load_splits(asdiv(tmp_path, outputs=4), trial)
    rows = [(f"q{i}", f"why {i}.", f"({i} + 0)") for i in range(18)]
    rows += [(f"b{i}\na{i}", f"because {i}.", f"({i} * 1)") for i in range(4)]
    subsample, _ = split_rows(22, 0.5, 3)
    kept, _ = split_rows(11, 0.1, 0)
    found = [(row.inputs[0], row.rationale, row.teacher_label) for row in splits.train]
    assert found == [rows[subsample[i]] for i in kept]


@pytest.mark.parametrize("answer", ["", "  "])
def test_a_row_of_asdiv_without_an_answer_is_wrong(tmp_path: Path, answer: str) -> None:
    asdiv(tmp_path)
    rows = lines([{"Body": "b", "Question": "q", "Answer": "1"}, {"Body": "b", "Question": "q", "Answer": answer}])
    write(tmp_path, {"asdiv/asdiv_train.json": rows})
    dataset = source(tmp_path, [("asdiv/asdiv_train.json", "train"), ("svamp/svamp_test.json", "test")])
    with pytest.raises(DataError) as caught:
        load_splits(dataset, settings(dataset="asdiv"))
    assert caught.value.message == f'asdiv/asdiv_train.json:2: expected a number in "Answer", got "{answer}"'


def test_test_rows_have_the_answers_that_their_dataset_allows(tmp_path: Path) -> None:
    write(tmp_path, {f"cqa/cqa_{split}.json": f"{SOUND['cqa']}\n" * 2 for split in ("train", "test")})
    write(tmp_path, {f"esnli/esnli_{split}.json": f"{SOUND['esnli']}\n" * 2 for split in ("train", "valid", "test")})
    for name, choices in (("cqa", tuple("12345")), ("esnli", ("entailment", "neutral", "contradiction"))):
        splits = load_splits(release_source(tmp_path, name), settings(dataset=name))
        assert [row.choices for row in splits.test] == [choices] * 2
    splits = load_splits(release_source(svamp(tmp_path), "svamp"), settings())
    assert {row.choices for row in splits.test} == {None}


def test_a_folder_allows_the_answers_that_it_names_for_all_rows_or_each(tmp_path: Path) -> None:
    rows = [{"input": "q", "label": "y", "options": ["y", f"{i}"]} for i in range(3)]
    trial = settings(dataset="mine")
    splits = load_splits(folder(tmp_path, rows, choices=("n", "y")), trial)
    assert [row.choices for row in splits.test] == [("n", "y")] * 3
    # What is not in a test row says nothing about any result.
    assert {row.choices for row in splits.train} == {None}
    splits = load_splits(folder(tmp_path, rows, fields={"choices": "options"}), trial)
    assert [row.choices for row in splits.test] == [("y", "0"), ("y", "1"), ("y", "2")]
    with pytest.raises(DataError, match=r'mine/test\.jsonl:1: expected one of a, b in "label", got "y"'):
        load_splits(folder(tmp_path, rows, choices=("a", "b")), trial)


def test_a_teachers_fields_are_read_in_training_rows_alone_and_only_if_needed(tmp_path: Path) -> None:
    rows = [{"input": f"q{i}", "label": "y", "why": "w", "guess": 5} for i in range(20)]
    dataset = folder(tmp_path, rows, fields={"rationale": "why", "llm_label": "guess"})
    splits = load_splits(dataset, settings(dataset="mine", model_type="single_task", llm="human"))
    assert {(row.rationale, row.teacher_label) for row in splits.train} == {("w", None)}
    assert {(row.rationale, row.teacher_label) for row in splits.test} == {(None, None)}


def test_other_teachers_of_the_same_rows_are_other_outputs_and_the_same_questions(tmp_path: Path) -> None:
    rows = [{"input": f"q{i}", "label": "y", "a": "w", "b": "v"} for i in range(20)]
    trial = settings(dataset="mine", model_type="task_prefix")
    one, other = (
        load_splits(folder(tmp_path, rows, fields={"rationale": name}), trial).train.table for name in ("a", "b")
    )
    assert one.digest == other.digest
    assert one.teacher_digest != other.teacher_digest


def test_a_folder_keeps_its_valid_file_and_maps_its_fields(tmp_path: Path) -> None:
    rows = [{"text": f"q{i}", "gold": "y", "why": "w", "guess": "n"} for i in range(20)]
    fields = {"input": "text", "label": "gold", "rationale": "why", "llm_label": "guess"}
    dataset = folder(tmp_path, rows, valid=True, fields=fields)
    splits = load_splits(dataset, settings(dataset="mine", model_type="task_prefix", label_type="llm"))
    assert questions(splits.train) == [f"q{i}" for i in range(20)]
    assert (targets(splits.train)[0], targets(splits.valid)[0]) == ("n", "y")
    assert next(iter(splits.train)).rationale == "w"


def test_a_folder_without_a_valid_file_has_a_tenth_split_off(tmp_path: Path) -> None:
    rows = [{"input": f"q{i}", "label": "y", "rationale": None} for i in range(20)]
    splits = load_splits(folder(tmp_path, rows), settings(dataset="mine"))
    assert questions(splits.valid) == [f"q{i}" for i in split_rows(20, 0.1, 0)[1]]


def test_an_input_template_is_filled_once(tmp_path: Path) -> None:
    rows = [{"q": "{hint}?", "hint": "h", "label": "y"}] * 2
    dataset = folder(tmp_path, rows, templates={"input": "Q: {q} ({hint})"})
    splits = load_splits(dataset, settings(dataset="mine"))
    assert questions(splits.test)[0] == "Q: {hint}? (h)"


def test_empty_lines_a_byte_order_mark_and_windows_line_ends_are_no_rows(tmp_path: Path) -> None:
    row = '{"input": "q\\u2028é", "label": "y"}'
    content = b"\xef\xbb\xbf" + f"{row}\r\n\r\n{row}\n\n".encode()
    write(tmp_path, {"mine/train.jsonl": content, "mine/test.jsonl": content})
    roles = [("mine/train.jsonl", "train"), ("mine/test.jsonl", "test")]
    splits = load_splits(source(tmp_path, roles, layout="folder"), settings(dataset="mine"))
    assert questions(splits.test) == ["q\u2028é"] * 2


FIRST = '{"input": "q", "label": "y"}\n'

WRONG: list[tuple[str, str | bytes, str]] = [
    ("svamp", "{", "svamp/svamp_train.json:2: expected JSON, got other text (column 2: "),
    ("svamp", "nope", "svamp/svamp_train.json:2: expected JSON, got other text (column 1: Expecting value)"),
    ("svamp", b'{"input": "\xff"}', "svamp/svamp_train.json:2: expected UTF-8, got the byte 0xff at column 12"),
    ("svamp", "[" * 100_000, "svamp/svamp_train.json:2: expected JSON, got brackets nested too deeply"),
    (
        "svamp",
        '{"input": "q", "label": "y", "score": NaN}',
        "train.json:2: expected JSON, got NaN, which is no JSON value",
    ),
    ("svamp", "[1]", "svamp/svamp_train.json:2: expected a JSON object, got an array of 1"),
    ("svamp", "null", "svamp/svamp_train.json:2: expected a JSON object, got null"),
    ("svamp", "\n5", "svamp/svamp_train.json:3: expected a JSON object, got 5"),
    ("svamp", '{"input": "q"}', 'svamp/svamp_train.json:2: expected a field "label", got only input'),
    ("svamp", "{}", 'svamp/svamp_train.json:2: expected a field "input", got only an empty object'),
    ("svamp", '{"input": 5, "label": "y"}', 'svamp/svamp_train.json:2: expected a text in "input", got 5'),
    ("svamp", '{"input": "q", "label": null}', 'svamp/svamp_train.json:2: expected a text in "label", got null'),
    (
        "svamp",
        '{"input": "q\\ud800", "label": "y"}',
        'svamp/svamp_train.json:2: expected a text in "input", got half of a surrogate pair at character 2',
    ),
    ("esnli", '{"premise": "p", "hypothesis": "h", "label": 3}', "or one of entailment, neutral, contradiction"),
    ("esnli", '{"premise": "p", "hypothesis": "h", "label": true}', 'in "label", got true'),
    ("esnli", '{"premise": "p", "hypothesis": "h", "label": [1]}', 'in "label", got an array of 1'),
    ("esnli", '{"premise": "p", "label": 0}', 'expected a field "hypothesis", got only label, premise'),
    ("cqa", '{"question": "q", "answer": "a", "choices": ["b"]}', '5 texts in "choices", got an array of 1'),
    ("cqa", '{"question": "q", "answer": "a"}', '5 texts in "choices", got null'),
    ("cqa", '{"question": "q", "answer": "a", "choices": [1, 2, 3, 4, 5]}', 'a text in "choices[0]", got 1'),
]

SOUND = {
    "svamp": '{"input": "q", "label": "y"}',
    "esnli": '{"premise": "p", "hypothesis": "h", "label": 0}',
    "anli1": '{"premise": "p", "hypothesis": "h", "label": 0}',
    "cqa": '{"question": "q", "answer": "a", "choices": ["1", "2", "3", "4", "5"]}',
}


@pytest.mark.parametrize(("name", "line", "said"), WRONG)
def test_a_wrong_row_is_named_with_file_and_line(tmp_path: Path, name: str, line: str | bytes, said: str) -> None:
    sound = SOUND[name].encode() + b"\n"
    content = sound + (line if isinstance(line, bytes) else line.encode()) + b"\n" + sound
    write(tmp_path, {f"{name}/{name}_train.json": content, f"{name}/{name}_test.json": sound})
    with pytest.raises(DataError) as caught:
        load_splits(release_source(tmp_path, name), settings(dataset=name))
    assert said in caught.value.message
    assert caught.value.code == "DATASET_INVALID"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{}", f"{TEACHER}: expected a JSON array of texts, got an object"),
        ("[", f"{TEACHER}: expected JSON, got other text (column 2: Expecting value)"),
        ('["a", 5]', f"{TEACHER}[1]: expected a text, got 5"),
        (json.dumps(["a"] * 21), f"{TEACHER}: expected at most 20 outputs, one for each row of train, got 21"),
    ],
)
def test_wrong_outputs_are_named_with_file_and_item(tmp_path: Path, content: str, said: str) -> None:
    write(svamp(tmp_path), {TEACHER: content})
    dataset = release_source(tmp_path, "svamp", teacher=[TEACHER])
    with pytest.raises(DataError) as caught:
        load_splits(dataset, settings(label_type="llm", llm="palm"))
    assert caught.value.message == said


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"model_type": "task_prefix"}, 'mine/train.jsonl:2: expected a field "why", got only input, label'),
        ({"label_type": "llm"}, 'mine/train.jsonl:1: expected a text in "llm_label", got null'),
    ],
)
def test_a_folder_must_have_what_a_trial_trains_on(tmp_path: Path, changes: dict[str, str], said: str) -> None:
    rows: list[dict[str, Any]] = [
        {"input": "q", "label": "y", "why": "w", "llm_label": None},
        {"input": "q", "label": "y"},
    ]
    dataset = folder(tmp_path, rows, fields={"rationale": "why"})
    with pytest.raises(DataError) as caught:
        load_splits(dataset, settings(dataset="mine", **changes))
    assert caught.value.message == said


def test_a_file_that_changed_since_planning_is_not_read(tmp_path: Path) -> None:
    dataset = release_source(svamp(tmp_path), "svamp")
    path = tmp_path / "svamp/svamp_train.json"
    path.write_bytes(path.read_bytes().replace(b"q3", b"q4"))
    with pytest.raises(DataError, match=r"svamp_train\.json has changed since the trial was planned") as caught:
        load_splits(dataset, settings())
    assert caught.value.code == "DATASET_CHANGED"
    assert hashlib.sha256(path.read_bytes()).hexdigest()[:6] not in caught.value.message, "it may be any file"


def test_a_file_that_is_gone_is_missed(tmp_path: Path) -> None:
    dataset = release_source(svamp(tmp_path), "svamp")
    (tmp_path / "svamp/svamp_test.json").unlink()
    with pytest.raises(DataError, match="there is no file at") as caught:
        load_splits(dataset, settings())
    assert caught.value.code == "DATASET_MISSING"


def test_a_second_trial_reads_only_what_is_new_and_gets_what_it_would_get_alone(tmp_path: Path) -> None:
    dataset = release_source(svamp(tmp_path, outputs=15), "svamp", teacher=[TEACHER])
    trials = [
        settings(),
        settings(model_type="task_prefix", llm="palm", seed=1, subsample=0.5),
        settings(label_type="llm", llm="palm"),
    ]
    alone = [load_splits(dataset, trial) for trial in trials]
    tables = row_table_cache()
    load_splits(dataset, trials[0], tables=tables)
    load_splits(dataset, trials[1], tables=tables)
    for path in tmp_path.rglob("*.json"):
        path.unlink()
    for trial, expected in zip(trials, alone, strict=True):
        found = load_splits(dataset, trial, tables=tables)
        for split, other in ((found.train, expected.train), (found.valid, expected.valid), (found.test, expected.test)):
            assert (list(split), split.label_type) == (list(other), other.label_type)


@pytest.mark.parametrize("change", ["train", "teacher", "llm", "fields"])
def test_what_reads_otherwise_is_read_anew(tmp_path: Path, change: str) -> None:
    dataset = release_source(svamp(tmp_path), "svamp", teacher=[TEACHER])
    trial = settings(model_type="task_prefix", llm="palm")
    tables = row_table_cache()
    load_splits(dataset, trial, tables=tables)
    if change == "llm":
        trial = replace(trial, llm="gpt")
    elif change == "fields":
        dataset = replace(dataset, fields={"input": "x"})
    else:
        dataset = replace(
            dataset,
            files=tuple(replace(each, sha256="0" * 64) if each.role == change else each for each in dataset.files),
        )
    (tmp_path / "svamp/svamp_train.json").unlink()
    with pytest.raises(DataError, match="there is no file at"):
        load_splits(dataset, trial, tables=tables)


def test_rows_read_for_a_trial_that_needs_no_rationale_do_not_serve_one_that_does(tmp_path: Path) -> None:
    dataset = folder(tmp_path, [{"input": f"q{i}", "label": "y"} for i in range(20)])
    tables = row_table_cache()
    load_splits(dataset, settings(dataset="mine"), tables=tables)
    with pytest.raises(DataError, match='expected a field "rationale"'):
        load_splits(dataset, settings(dataset="mine", model_type="task_prefix"), tables=tables)


def test_a_teacher_that_did_not_come_is_missed(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="came without its outputs") as caught:
        load_splits(release_source(svamp(tmp_path), "svamp"), settings(model_type="task_prefix", llm="gpt"))
    assert caught.value.code == "DATASET_MISSING"


def test_a_subsample_that_leaves_nothing_to_train_on_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="expected at least one train row after subsample and split, got none"):
        load_splits(release_source(svamp(tmp_path), "svamp"), settings(subsample=0.05))


@pytest.mark.parametrize("name", ["cqa", "svamp"])
@pytest.mark.parametrize("label_type", ["gt", "llm"])
@pytest.mark.parametrize(("subsample", "seed"), [(1.0, 0), (0.25, 1), (0.7, 2)])
def test_real_rows_splits_and_texts_are_those_of_the_reference(
    real_datasets: Path, reference: ModuleType, *, name: str, label_type: str, subsample: float, seed: int
) -> None:
    parts = (real_datasets / name / "llm").glob("train_CoT_*.json")
    numbered = sorted(parts, key=lambda path: int(path.stem.rsplit("_", 1)[1]))
    teacher = [path.relative_to(real_datasets).as_posix() for path in numbered]
    splits = load_splits(
        release_source(real_datasets, name, teacher=teacher),
        settings(
            dataset=name, label_type=label_type, model_type="task_prefix", llm="palm", subsample=subsample, seed=seed
        ),
    )
    train, test = reference.load(
        SimpleNamespace(
            data=str(real_datasets), dataset=name, subsample=subsample, seed=seed, label_type=label_type, max_test=0
        )
    )
    assert [
        (row.inputs[0], label, row.rationale) for row, label in zip(splits.train, targets(splits.train), strict=True)
    ] == [(row["input"], row["label"], row["rationale"]) for row in train]
    assert [(row.inputs[0], row.label) for row in splits.test] == [(row["input"], row["label"]) for row in test]


@pytest.mark.parametrize(("name", "split"), [("anli1", "valid"), ("esnli", "test")])
def test_real_nli_rows_are_those_of_the_reference(
    real_datasets: Path, reference: ModuleType, tmp_path: Path, name: str, split: str
) -> None:
    content = (real_datasets / name / f"{name}_{split}.json").read_bytes()
    write(tmp_path, {f"{name}/{name}_{role}.json": content for role in ("train", "valid", "test")})
    splits = load_splits(release_source(tmp_path, name), settings(dataset=name))
    assert [(row.inputs, row.label) for row in splits.test] == [
        (row["input"], row["label"]) for row in reference.read_rows(real_datasets, name, split)
    ]
