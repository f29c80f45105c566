"""Agreement with another implementation: same weights, no dropout, fp32, batches that hold the whole training split.

The other one is `reference_trainer.py` of a folder that is not part of the project; DSS_TEST_REFERENCE names it.
Without it these tests are skipped. DSS_TEST_DATASETS names the datasets, in the release's layout. The whole comparison
takes half an hour on a slow core and runs with DSS_TEST_REFERENCE_FULL=1; otherwise it is a smaller one.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import T5Config, T5ForConditionalGeneration

from dss_worker.config import DatasetSource, LabelType, ModelSource, ModelType, TrialConfig, TrialSettings
from dss_worker.training.runner import TrialRunner
from tests.training.support import CPU, Recorder, model_source, never, source_file

PROJECT = Path(__file__).parents[3]
BESIDE = PROJECT.parent / "shared"
REFERENCE = Path(os.environ.get("DSS_TEST_REFERENCE", BESIDE / "reference"))
DATASETS = Path(os.environ.get("DSS_TEST_DATASETS", BESIDE / "datasets"))

pytestmark = pytest.mark.skipif(
    not (REFERENCE / "reference_trainer.py").exists() or not (DATASETS / "svamp").exists(),
    reason=f"NOT COMPARED with the reference: it is not in {REFERENCE}, or svamp is not in {DATASETS}",
)

LR = 1e-3
# The whole comparison has every case, more steps, and the vocabulary of real models, whose output layer makes a step
# take seconds.
FULL = os.environ.get("DSS_TEST_REFERENCE_FULL") == "1"
STEPS = 20 if FULL else 6
# Of 800 rows; a batch holds all of them, less the tenth that is split off to select on.
SUBSAMPLE, BATCH = (0.1, 72) if FULL else (0.05, 36)
PIECES = 1000
CASES = [("standard", "gt", 0), ("standard", "llm", 1), ("task_prefix", "gt", 1), ("task_prefix", "llm", 0)]
if FULL:
    CASES += [(model_type, label_type, 1 - seed) for model_type, label_type, seed in CASES]

# One process for all cases: importing takes longer than training.
DRIVER = """
import importlib.util, json, sys
spec = importlib.util.spec_from_file_location("reference_trainer", sys.argv[1])
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
for arguments in json.load(sys.stdin):
    sys.argv = ["reference_trainer.py", *arguments]
    module.main()
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The release's svamp with all training rows; of the test split only rows enough to have one."""
    root = tmp_path_factory.mktemp("data")
    (root / "svamp").mkdir()
    for name in ("svamp_train.json", "llm"):
        (root / "svamp" / name).symlink_to((DATASETS / "svamp" / name).resolve())
    test = (DATASETS / "svamp" / "svamp_test.json").read_text().splitlines(keepends=True)
    (root / "svamp" / "svamp_test.json").write_text("".join(test[:4]))
    return root


@pytest.fixture(scope="module")
def model(data: Path) -> ModelSource:
    """The reference's tiny model; with a small vocabulary and as many rows in its embeddings, unless FULL."""
    directory = data / "model"
    pieces = [] if FULL else ["--pieces", str(PIECES)]
    texts = DATASETS if FULL else data
    make_model = ["make_model.py", "--size", "tiny", "--data", str(texts), "--out", str(directory), *pieces]
    run_python([str(REFERENCE / make_model[0]), *make_model[1:]])
    if not FULL:
        cut_vocabulary(directory, PIECES + 100)
    return model_source(directory)


def cut_vocabulary(directory: Path, tokens: int) -> None:
    weights = directory / "model.safetensors"
    tensors = {
        name: tensor[:tokens].clone() if tensor.shape[0] == 32128 else tensor
        for name, tensor in load_file(weights).items()
    }
    save_file(tensors, weights, metadata={"format": "pt"})
    config = directory / "config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "vocab_size": tokens}))


@pytest.fixture(scope="module")
def reference_losses(model: ModelSource, data: Path) -> dict[tuple[str, str, int], list[float]]:
    """Training losses of every step, by case."""
    outputs = {case: model.directory.parent / f"{'-'.join(map(str, case))}.json" for case in CASES}
    arguments = []
    for (model_type, label_type, seed), out in outputs.items():
        values = {
            "model": model.directory, "data": data, "dataset": "svamp", "model_type": model_type,
            "label_type": label_type, "seed": seed, "subsample": SUBSAMPLE, "batch_size": BATCH, "max_steps": STEPS,
            "eval_steps": STEPS, "log_steps": 1, "lr": LR, "dropout": 0.0, "gen_max_len": 4, "out": out,
        }  # fmt: skip
        arguments.append([text for name, value in values.items() for text in (f"--{name}", str(value))])
    run_python(["-c", DRIVER, str(REFERENCE / "reference_trainer.py")], stdin=json.dumps(arguments))
    return {case: [loss for _, loss in json.loads(out.read_text())["loss"]] for case, out in outputs.items()}


def run_python(arguments: list[str], *, stdin: str = "") -> None:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(
        [sys.executable, *arguments], input=stdin, capture_output=True, text=True, env=environment, check=False
    )
    assert done.returncode == 0, done.stderr[-4000:]


def svamp(root: Path) -> DatasetSource:
    teacher = sorted((root / "svamp" / "llm").glob("train_CoT_*.json"), key=lambda path: int(path.stem[10:]))
    paths = [("svamp/svamp_train.json", "train"), ("svamp/svamp_test.json", "test")]
    paths += [(path.relative_to(root).as_posix(), "teacher") for path in teacher]
    files = tuple(source_file(root, path, role) for path, role in paths)
    return DatasetSource(directory=root, layout="release", files=files, metric="equation")


def trial_of(model: ModelSource, data: Path, model_type: ModelType, label_type: LabelType, seed: int) -> TrialConfig:
    prefixed = model_type == "task_prefix"
    dataset = svamp(data)
    if not prefixed and label_type == "gt":
        # The reference cuts and reads teacher outputs always; what is not used does not matter.
        files = tuple(file for file in dataset.files if file.role != "teacher")
        dataset = replace(dataset, files=files)
    settings = TrialSettings(
        model="tiny", dataset="svamp", label_type=label_type, model_type=model_type, seed=seed,
        llm="palm" if prefixed or label_type == "llm" else None, alpha=0.5 if prefixed else None, subsample=SUBSAMPLE,
        max_steps=STEPS, eval_steps=1, batch_size=BATCH, grad_steps=1, lr=LR, max_input_length=1024, gen_max_len=24,
        precision="fp32", dropout=0.0, select="valid", init="pretrained",
    )  # fmt: skip
    return TrialConfig(trial_id="0" * 20, settings=settings, model=model, dataset=dataset)


@pytest.fixture(scope="module")
def runner() -> TrialRunner:
    return TrialRunner(device=CPU)


@pytest.mark.parametrize(("model_type", "label_type", "seed"), CASES)
def test_the_training_loss_of_every_step_agrees(
    model: ModelSource,
    data: Path,
    reference_losses: dict[tuple[str, str, int], list[float]],
    runner: TrialRunner,
    model_type: ModelType,
    label_type: LabelType,
    seed: int,
) -> None:
    recorder = Recorder()
    runner.run(trial_of(model, data, model_type, label_type, seed), reporter=recorder, should_stop=never)
    found = torch.tensor([point.loss for point in recorder.training], dtype=torch.float64)
    expected = torch.tensor(reference_losses[model_type, label_type, seed], dtype=torch.float64)
    assert len(found) == len(expected) == STEPS
    difference = ((found - expected).abs() / expected).max().item()
    print(f"{model_type} {label_type} seed {seed}: largest relative difference of {STEPS} losses {difference:.1e}")
    assert difference < 1e-5
    assert found[-1] < 0.95 * found[0]


@pytest.fixture(scope="module")
def dispatch(tmp_path_factory: pytest.TempPathFactory) -> tuple[ModelSource, DatasetSource]:
    """The shipped model with weights, and a part of its dataset in the layout of the release's cqa."""
    root = tmp_path_factory.mktemp("dispatch")
    shutil.copytree(PROJECT / "sweeps" / "models" / "dispatch-t5", root / "model")
    torch.manual_seed(0)
    T5ForConditionalGeneration(T5Config.from_pretrained(str(root / "model"))).save_pretrained(str(root / "model"))
    (root / "cqa" / "llm").mkdir(parents=True)
    for split in ("train", "test"):
        lines = (PROJECT / "datasets" / "dispatch" / f"{split}.jsonl").read_text().splitlines()[:200]
        rows = [json.loads(line) for line in lines]
        # In words of the model's vocabulary, as those of a real model are.
        choices = ["train", "truck", "food", "tools", "ropes"]
        questions = [{"question": row["input"], "choices": choices, "answer": row["label"]} for row in rows]
        (root / "cqa" / f"cqa_{split}.json").write_text("".join(json.dumps(row) + "\n" for row in questions))
        teacher = [f"{row['rationale']} So the answer is (a) {row['llm_label']}." for row in rows]
        (root / "cqa" / "llm" / f"{split}_CoT_0.json").write_text(json.dumps(teacher))
    paths = [("cqa/cqa_train.json", "train"), ("cqa/cqa_test.json", "test"), ("cqa/llm/train_CoT_0.json", "teacher")]
    files = tuple(source_file(root, path, role) for path, role in paths)
    source = DatasetSource(directory=root, layout="release", files=files, metric="text")
    return model_source(root / "model"), source


def test_the_test_accuracy_of_a_half_trained_model_agrees(
    dispatch: tuple[ModelSource, DatasetSource], runner: TrialRunner
) -> None:
    model, dataset = dispatch
    steps, rows, lr, gen_max_len = 40, 180, 5e-3, 8
    out = dataset.directory / "reference.json"
    values = {
        "model": model.directory, "data": dataset.directory, "dataset": "cqa", "batch_size": rows, "max_steps": steps,
        "eval_steps": steps // 2, "lr": lr, "dropout": 0.0, "gen_max_len": gen_max_len, "out": out,
    }  # fmt: skip
    arguments = [[text for name, value in values.items() for text in (f"--{name}", str(value))]]
    run_python(["-c", DRIVER, str(REFERENCE / "reference_trainer.py")], stdin=json.dumps(arguments))
    settings = TrialSettings(
        model="dispatch", dataset="cqa", label_type="gt", model_type="task_prefix", seed=0, llm="palm", alpha=0.5,
        subsample=1.0, max_steps=steps, eval_steps=steps // 2, batch_size=rows, grad_steps=1, lr=lr,
        max_input_length=1024, gen_max_len=gen_max_len, precision="fp32", dropout=0.0, select="compat",
        init="pretrained",
    )  # fmt: skip
    recorder = Recorder()
    config = TrialConfig(trial_id="0" * 20, settings=settings, model=model, dataset=dataset)
    result = runner.run(config, reporter=recorder, should_stop=never)
    found = [[each.step, each.accuracy] for each in recorder.evaluations if each.split == "test"]
    print(f"test accuracies {found}")
    assert found == json.loads(out.read_text())["accuracy"]
    assert 0.2 < result.test_accuracy < 0.8
