"""What is kept of a trial's model is what anybody's transformers loads."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import yaml  # type: ignore[import-untyped]
from transformers import AutoTokenizer, T5ForConditionalGeneration

from dss_worker.config import Keep, RunOptions, TrialConfig
from dss_worker.errors import WorkerError
from dss_worker.messages import TrialResult
from dss_worker.training.model import trained_weights
from dss_worker.training.runner import TrialRunner
from dss_worker.training.warm_cache import WarmCache
from tests.training.support import CPU, Recorder, model_source, never, tiny_model, trial, write_model


def run(config: TrialConfig, monkeypatch: pytest.MonkeyPatch) -> tuple[TrialResult, T5ForConditionalGeneration]:
    """The result, and the model as it is in memory at the end."""
    models: list[T5ForConditionalGeneration] = []
    load = WarmCache.model

    def load_and_note(warm: WarmCache, config: TrialConfig, *, device: torch.device) -> T5ForConditionalGeneration:
        models.append(load(warm, config, device=device))
        return models[-1]

    monkeypatch.setattr(WarmCache, "model", load_and_note)
    result = TrialRunner(device=CPU).run(config, reporter=Recorder(), should_stop=never)
    monkeypatch.undo()
    return result, models[0]


def keeping(config: TrialConfig, directory: Path, *, keep: Keep = "none", steps: int = 0) -> TrialConfig:
    return replace(config, run=RunOptions(directory=directory, keep=keep, checkpoint_steps=steps))


def load(directory: Path) -> T5ForConditionalGeneration:
    model = T5ForConditionalGeneration.from_pretrained(str(directory), local_files_only=True)
    assert isinstance(model, T5ForConditionalGeneration)
    return model


def assert_equal(kept: T5ForConditionalGeneration, expected: T5ForConditionalGeneration) -> None:
    """Weights, and what is made of them."""
    ours, theirs = trained_weights(expected), trained_weights(kept)
    assert ours.keys() == theirs.keys()
    for name, weight in ours.items():
        assert torch.equal(theirs[name], weight), name
        assert theirs[name].dtype == torch.float32
    ids = torch.tensor([[5, 34, 6, 1]])
    logits = [model.train(mode=False)(input_ids=ids, labels=ids).logits for model in (kept, expected)]
    assert torch.equal(*logits)


@pytest.mark.parametrize("is_v1_1", [True, False])
@pytest.mark.parametrize("keep", ["last", "best"])
def test_the_kept_model_is_the_trained_one_bit_for_bit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keep: Keep, is_v1_1: bool
) -> None:
    config = trial(tmp_path)
    source = write_model(config.model.directory, untied=is_v1_1)
    # As the checkpoints of T5 v1.1 say it, which transformers takes for "do not scale".
    path = source.directory / "config.json"
    value = json.loads(path.read_text())
    del value["scale_decoder_outputs"]
    path.write_text(json.dumps({**value, "tie_word_embeddings": not is_v1_1}))
    config = replace(config, model=model_source(source.directory))
    _, model = run(keeping(config, tmp_path / "trial", keep=keep), monkeypatch)
    kept = load(tmp_path / "trial" / "model")
    assert_equal(kept, model)
    assert kept.config.scale_decoder_outputs is not is_v1_1
    # What transformers 4 goes by, and what 5 forgets.
    written = json.loads((tmp_path / "trial" / "model" / "config.json").read_text())
    assert written["tie_word_embeddings"] is not is_v1_1
    assert (kept.lm_head.weight.data_ptr() == kept.shared.weight.data_ptr()) is not is_v1_1


def test_last_and_best_are_different_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # No step is better than the first: it is the selected one.
    config = trial(tmp_path, lr=1e-4, eval_steps=1)
    result, _ = run(keeping(config, tmp_path / "best", keep="best"), monkeypatch)
    run(keeping(config, tmp_path / "last", keep="last"), monkeypatch)
    assert result.selected_step == 1
    first = replace(config, settings=replace(config.settings, max_steps=1, lr=1e-4))
    _, expected = run(keeping(first, tmp_path / "first"), monkeypatch)
    assert_equal(load(tmp_path / "best" / "model"), expected)
    best, last = (load(tmp_path / name / "model").shared.weight for name in ("best", "last"))
    assert not torch.equal(best, last)


def test_weights_that_came_rounded_are_kept_as_they_were_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = trial(tmp_path)
    tiny_model().bfloat16().save_pretrained(str(config.model.directory))
    config = replace(config, model=model_source(config.model.directory))
    _, model = run(keeping(config, tmp_path / "trial", keep="last"), monkeypatch)
    assert_equal(load(tmp_path / "trial" / "model"), model)


def test_an_adapter_is_merged_into_the_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("peft")
    config = trial(tmp_path, adapter="lora", lora_rank=2, lora_alpha=4.0)
    _, model = run(keeping(config, tmp_path / "trial", keep="best"), monkeypatch)
    kept = load(tmp_path / "trial" / "model")
    assert_equal(kept, model)
    before = load(config.model.directory)
    changed = [
        name for name, each in trained_weights(kept).items() if not torch.equal(each, before.get_parameter(name))
    ]
    assert changed
    assert all(".layer." in name for name in changed)


def test_the_tokenizer_goes_with_it_byte_for_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = trial(tmp_path)
    # A file that no plan names.
    (config.model.directory / "special_tokens_map.json").write_text("{}")
    run(keeping(config, tmp_path / "trial", keep="last"), monkeypatch)
    kept = tmp_path / "trial" / "model"
    for name in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
        assert (kept / name).read_bytes() == (config.model.directory / name).read_bytes()
    tokenizer = AutoTokenizer.from_pretrained(str(kept), local_files_only=True)
    assert tokenizer("1 plus 2")["input_ids"] == [4, 34, 5, 1]


def test_it_generates_as_it_was_evaluated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(keeping(trial(tmp_path, gen_max_len=7), tmp_path / "trial", keep="last"), monkeypatch)
    model = load(tmp_path / "trial" / "model")
    ids = model.generate(input_ids=torch.tensor([[5, 34, 6, 1]]))
    assert isinstance(ids, torch.Tensor)
    assert ids.shape[1] <= 7
    assert model.generation_config.max_length == 7


def test_the_card_says_how_it_was_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = keeping(trial(tmp_path, seed=17, eval_steps=1), tmp_path / "trial", keep="best")
    result, _ = run(config, monkeypatch)
    card = (tmp_path / "trial" / "model" / "README.md").read_text()
    front = yaml.safe_load(card.split("---\n")[1])
    assert (front["base_model"], front["datasets"]) == ("tiny", ["sums"])
    assert f"The weights are those of step {result.selected_step}, chosen by valid accuracy." in card
    assert f"| test accuracy | {result.test_accuracy:.4f} of 8 rows |" in card
    for line in ("| seed | 17 |", '| model_type | "task_prefix" |', f"| trial | {config.trial_id} |"):
        assert line in card
    assert f"| torch | {torch.__version__} |" in card
    assert "`predict: `" in card
    # It is made to be published.
    assert result.environment["host"] not in card.split("## How it was made")[1].split()
    assert str(tmp_path) not in card


def test_a_model_that_was_kept_before_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    directory = tmp_path / "trial" / "model"
    directory.mkdir(parents=True)
    (directory / "old").write_text("")
    (tmp_path / "trial" / ".unfinished-model-0a").mkdir()
    run(keeping(trial(tmp_path), tmp_path / "trial", keep="last"), monkeypatch)
    assert not (directory / "old").exists()
    assert [path.name for path in (tmp_path / "trial").iterdir()] == ["model"]


def test_nothing_is_kept_unless_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(keeping(trial(tmp_path), tmp_path / "trial"), monkeypatch)
    assert not (tmp_path / "trial" / "model").exists()


def test_a_model_that_cannot_be_kept_ends_the_attempt_and_not_its_checkpoints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = keeping(trial(tmp_path), tmp_path / "trial", keep="last", steps=3)
    (tmp_path / "trial").mkdir()
    (tmp_path / "trial" / "model").write_text("in the way")
    with pytest.raises(WorkerError, match=r"could not be written to .*model: .*Not a directory") as caught:
        run(config, monkeypatch)
    assert (caught.value.code, caught.value.kind) == ("MODEL_NOT_KEPT", "infrastructure")
    monkeypatch.undo()
    (tmp_path / "trial" / "model").unlink()
    result, _ = run(config, monkeypatch)
    assert result.resumed_step == 6
